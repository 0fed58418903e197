"""The process that opens what nobody trusts: bounds itself, then reads and answers.

Started by `sandbox` only. A request on stdin (see frames), an answer on what was
stdout; libraries that print go to nowhere. A task of _TASKS answers once; one of _TALKS
is asked until stdin ends, each request and each answer behind its length.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from inference_worker.untrusted import frames
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import THREADS
from inference_worker.untrusted.seccomp import forbid_processes

_FILES = 32
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


Answer = list[bytes]

# Imported when they are asked for: none pays for another's libraries.
_TASKS = {
    "inspect": "inference_worker.untrusted.child.inspect",
    "probe": "inference_worker.untrusted.child.probe",
    "upgrade": "inference_worker.importing.building.upgrade",
    "build": "inference_worker.importing.building.build",
}
_TALKS = {"serve": "inference_worker.untrusted.serving.Server"}


def main() -> None:
    """`TASK MEMORY SECONDS` are the arguments."""
    task, memory, seconds = sys.argv[1:]
    confine(int(memory), int(seconds), threads=task in _TALKS)
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    if task in _TALKS:
        _talk(_named(_TALKS[task])(), out, int(seconds))
    else:
        for part in _once(_named(_TASKS[task])):
            _write_all(out, part)
    # What the libraries would still tidy up is not worth a crash on the way out.
    os._exit(0)


def confine(memory: int, seconds: int, *, threads: bool = False) -> None:
    """No more memory, CPU time, files, programs or processes than this, no network, and
    none back. With `threads`, CPU time is counted by `allow`.
    """
    _set(resource.RLIMIT_AS, memory)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, 0)
    _set(resource.RLIMIT_NOFILE, _FILES)
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    forbidden = forbid_processes()
    if not (threads and forbidden):
        # It counts threads too, and stops nobody who is root.
        _set(resource.RLIMIT_NPROC, 0)
    if not threads:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def allow(seconds: int) -> None:
    """That much CPU time from now on, on each of THREADS."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    most = int(spent.ru_utime + spent.ru_stime) + THREADS * seconds + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def _set(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(what, (most, most))


def _named(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _once(task: Callable[..., Answer]) -> Answer:
    return _answer(task, sys.stdin.buffer.read())


def _talk(answer: Callable[..., Answer], out: int, seconds: int) -> None:
    """Until stdin ends; `seconds` of CPU time for each answer."""
    source = sys.stdin.buffer
    while head := source.read(frames.LENGTH):
        request = source.read(int.from_bytes(head, "big"))
        allow(seconds)
        for part in frames.packet(_answer(answer, request)):
            _write_all(out, part)


def _answer(task: Callable[..., Answer], content: bytes) -> Answer:
    try:
        return task(*frames.split(content))
    except ModelRefused as refused:
        return [_refusal(refused.reason, refused.told, refused.hint)]
    except MemoryError:
        text = "looking into it took more memory than is allowed"
        return [_refusal(Reason.OUT_OF_MEMORY, text)]


def _refusal(reason: Reason, message: str, hint: str = "") -> bytes:
    return frames.header({"refused": reason, "message": message, "hint": hint})


def inspect(request: dict[str, Any], payload: memoryview) -> Answer:
    """`request` are the Limits, `payload` the model; see summary."""
    from inference_worker.untrusted.checks import check
    from inference_worker.untrusted.limits import Limits

    return [frames.header({"facts": check(payload, Limits(**request))})]


def probe(request: dict[str, Any], payload: memoryview) -> Answer:
    """`payload` are `model` bytes of model, then the `feeds`."""
    from inference_worker.untrusted.running import run

    model = bytes(payload[: request["model"]])
    feeds = frames.arrays_of(request["feeds"], payload[request["model"] :])
    return frames.outputs(run(model, feeds, request["output_bytes"]))


def _write_all(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]
