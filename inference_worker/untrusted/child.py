"""The process that opens what nobody trusts: bounds itself, then reads and answers.

Started by `sandbox.ask` only. A request on stdin (see frames), an answer on what was
stdout; libraries that print go to nowhere.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Any

from inference_worker.untrusted import frames
from inference_worker.untrusted.errors import ModelRefused, Reason

_FILES = 32
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


def main() -> None:
    """`TASK MEMORY SECONDS` are the arguments."""
    task, memory, seconds = sys.argv[1:]
    confine(int(memory), int(seconds))
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    for part in _answer(task):
        _write_all(out, part)
    # What the libraries would still tidy up is not worth a crash on the way out.
    os._exit(0)


def confine(memory: int, seconds: int) -> None:
    """No more memory, CPU time, files or processes than this, and none back."""
    _set(resource.RLIMIT_AS, memory)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, 0)
    _set(resource.RLIMIT_NOFILE, _FILES)
    # Root may start processes all the same; nobody should run this as root.
    _set(resource.RLIMIT_NPROC, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _set(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(what, (most, most))


def _answer(task: str) -> list[bytes]:
    try:
        request, payload = frames.split(sys.stdin.buffer.read())
        return _TASKS[task](request, payload)
    except ModelRefused as refused:
        return [_refusal(refused.reason, refused.told)]
    except MemoryError:
        text = "looking into it took more memory than is allowed"
        return [_refusal(Reason.OUT_OF_MEMORY, text)]


def _refusal(reason: Reason, message: str) -> bytes:
    return frames.header({"refused": reason, "message": message})


def _inspect(request: dict[str, Any], payload: memoryview) -> list[bytes]:
    from inference_worker.untrusted.checks import check
    from inference_worker.untrusted.limits import Limits

    return [frames.header({"facts": check(payload, Limits(**request))})]


def _probe(request: dict[str, Any], payload: memoryview) -> list[bytes]:
    from inference_worker.untrusted.running import run

    model = bytes(payload[: request["model"]])
    feeds = frames.arrays_of(request["feeds"], payload[request["model"] :])
    outputs = run(model, feeds, request["output_bytes"])
    return [
        frames.header({"outputs": frames.describe(outputs)}),
        *frames.blobs(outputs),
    ]


_TASKS = {"inspect": _inspect, "probe": _probe}


def _write_all(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]
