"""The process that opens what nobody trusts: bounds itself, then reads and answers.

Started by `sandbox` only. A request on stdin (see frames), an answer on what was
stdout; libraries that print go to nowhere. A task of _TASKS answers once; one of _TALKS
is asked until stdin ends, each request and each answer behind its length.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from inference_worker.untrusted import frames
from inference_worker.untrusted.confinement import confine
from inference_worker.untrusted.errors import ModelRefused, Reason, SandboxUnavailable
from inference_worker.untrusted.limits import THREADS

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
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        confine(int(memory), int(seconds), threads=task in _TALKS)
    except SandboxUnavailable as error:
        _say(out, [frames.header({"unavailable": str(error)})], task)
    else:
        _work(task, out, int(seconds))
    # What the libraries would still tidy up is not worth a crash on the way out.
    os._exit(0)


def _work(task: str, out: int, seconds: int) -> None:
    if task in _TALKS:
        _talk(_named(_TALKS[task])(), out, seconds)
    else:
        _say(out, _answer(_named(_TASKS[task]), sys.stdin.buffer.read()), task)


def allow(seconds: int) -> None:
    """That much CPU time from now on, on each of THREADS."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    most = int(spent.ru_utime + spent.ru_stime) + THREADS * seconds + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def _named(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _talk(answer: Callable[..., Answer], out: int, seconds: int) -> None:
    """Until stdin ends; `seconds` of CPU time for each answer."""
    source = sys.stdin.buffer
    while head := source.read(frames.LENGTH):
        request = source.read(int.from_bytes(head, "big"))
        allow(seconds)
        _say(out, _answer(answer, request), "serve")


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


def _say(out: int, parts: Answer, task: str) -> None:
    for part in frames.packet(parts) if task in _TALKS else parts:
        _write_all(out, part)


def _write_all(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]
