"""All bounds of the child, set by itself: all of them hold, or it does nothing."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable

from inference_worker.untrusted import kernel
from inference_worker.untrusted.kernel import prctl
from inference_worker.untrusted.landlock import restrict_files
from inference_worker.untrusted.privileges import give_up
from inference_worker.untrusted.seccomp import filter_calls
from inference_worker.untrusted.syscalls import check_processor

_FILES = 32
# In this order: each needs those before it.
_BOUNDS: dict[str, Callable[[], object]] = {
    "processor": check_processor,
    "end with the caller": lambda: prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL),
    "no new privileges": lambda: prctl(kernel.PR_SET_NO_NEW_PRIVS, 1),
    "privileges": give_up,
    "Landlock": restrict_files,
    "seccomp": filter_calls,
}


def confine(memory: int, seconds: int, *, threads: bool = False) -> None:
    """No more memory, CPU time, files, programs or processes than this, no network, no
    writing, and none back. With `threads`, CPU time is counted by child.allow.

    Raises SandboxUnavailable unless everything is in force. Only Landlock may be
    lacking: what it forbids to write, the filter of calls forbids as well.
    """
    _limit("RLIMIT_AS", memory)
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_NOFILE", _FILES)
    if not threads:
        # It counts threads too, and stops nobody who is root; the filter does.
        _limit("RLIMIT_NPROC", 0)
        _limit("RLIMIT_CPU", seconds, seconds + 1)
    for what, bound in _BOUNDS.items():
        try:
            bound()
        except OSError as error:
            raise kernel.unavailable(what, error) from error


def _limit(name: str, soft: int, hard: int | None = None) -> None:
    what = int(getattr(resource, name))
    _, allowed = resource.getrlimit(what)
    wanted = soft if hard is None else hard
    if allowed != resource.RLIM_INFINITY:
        wanted, soft = min(wanted, allowed), min(soft, allowed)
    try:
        resource.setrlimit(what, (soft, wanted))
    except (OSError, ValueError) as error:
        raise kernel.unavailable(name, error) from error
