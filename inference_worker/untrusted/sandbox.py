"""A process of bounded memory and time that may be lost: it gets bytes, gives bytes.

A fresh interpreter, in a process group and with an environment of its own. It bounds
itself (`confinement.confine`) before it reads anything. What it answers is as untrusted
as what it was given.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Self

from inference_worker.untrusted import frames
from inference_worker.untrusted.caller import CLOSED
from inference_worker.untrusted.errors import ModelRefused, Reason, SandboxUnavailable

REPOSITORY = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path.append(sys.argv.pop(1));"
    "from inference_worker.untrusted.child import main; main()"
)
# One thread, one heap: each more would take of the address space without using it. A
# GPU's libraries would take all of it.
_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
# The site's own choice, which measuring must go by.
_PASSED_ON = ("INFERENCE_PRECISION_HINT",)
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Bounds:
    """`deadline` is of time.monotonic(); `answer_bytes` more than that is refused.

    CPU time ends with `seconds`, on each of THREADS in a conversation.
    """

    deadline: float
    seconds: float
    memory_bytes: int
    answer_bytes: int


def ask(task: str, parts: Sequence[bytes], bounds: Bounds) -> bytes:
    """What the child said to `parts`. No copy of them is made here.

    Raises ModelRefused when it took too long, died or said too much, and
    SandboxUnavailable where processes cannot be bounded.
    """
    process = _start(task, bounds)
    try:
        answer = _exchange(process, parts, bounds)
        _await_end(process.pid, bounds)
    finally:
        _end(process)
    if process.returncode != 0:
        raise _death(process.returncode)
    return answer


class Conversation:
    """A child that is asked again and again: for what is costly to begin with.

    It ends with `close`, with whatever is raised, and with this process.
    """

    def __init__(self, task: str, bounds: Bounds) -> None:
        """Raises SandboxUnavailable."""
        self._bounds = bounds
        self._process = _start(task, bounds)

    def ask(self, parts: Sequence[bytes], deadline: float) -> bytes:
        """What it says to `parts` before `deadline`; raises what the function does."""
        bounds = replace(self._bounds, deadline=deadline)
        packet = frames.packet(parts)
        try:
            answer = _exchange(self._process, packet, bounds, frames.is_whole)
            if frames.is_whole(answer):
                return answer[frames.LENGTH :]
            # It closed its output instead.
            _await_end(self._process.pid, bounds)
        except BaseException:
            self.close()
            raise
        self.close()
        raise _death(self._process.returncode)

    def close(self) -> None:
        # Once it was waited for, its number may be another's.
        if self._process.returncode is None:
            _end(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _start(task: str, bounds: Bounds) -> subprocess.Popen[bytes]:
    if sys.platform != "linux":
        raise SandboxUnavailable(f"no process can be bounded enough on {sys.platform}")
    passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    CLOSED.begin()
    try:
        return subprocess.Popen(  # noqa: S603
            _command(task, bounds),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT | passed_on,
            start_new_session=True,
        )
    except BaseException:
        CLOSED.end()
        raise


def _command(task: str, bounds: Bounds) -> list[str]:
    boot = [sys.executable, "-I", "-B", "-c", _BOOT, str(REPOSITORY)]
    return [*boot, task, str(bounds.memory_bytes), str(int(bounds.seconds) + 1)]


def _exchange(
    process: subprocess.Popen[bytes],
    parts: Sequence[bytes],
    bounds: Bounds,
    is_whole: Callable[[bytearray], bool] | None = None,
) -> bytes:
    """Feeds it and listens at once, so that neither waits for the other: until it
    closes its output, or what it said `is_whole`.
    """
    source, sink = _pipes(process)
    waiting = [memoryview(part) for part in parts if part]
    answer = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        selector.register(sink, selectors.EVENT_WRITE)
        while True:
            for key, _ in selector.select(_left(bounds)):
                if key.fileobj is sink and not _write(sink, waiting):
                    selector.unregister(sink)
                    if is_whole is None:
                        sink.close()
                elif key.fileobj is source:
                    piece = os.read(source.fileno(), _PIECE)
                    if not piece:
                        return bytes(answer)
                    answer += piece
                    _check_length(answer, bounds)
                    if is_whole is not None and is_whole(answer):
                        return bytes(answer)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    source, sink = process.stdout, process.stdin
    if source is None or sink is None:
        raise ValueError("a child without pipes")
    os.set_blocking(sink.fileno(), False)
    with suppress(OSError):  # a smaller pipe is only slower
        fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, _PIECE)
    return source, sink


def _write(sink: IO[bytes], waiting: list[memoryview]) -> bool:
    """False when all was written or nobody reads any more."""
    if waiting:
        try:
            written = os.write(sink.fileno(), waiting[0][:_PIECE])
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        waiting[0] = waiting[0][written:]
        if not waiting[0]:
            waiting.pop(0)
    return bool(waiting)


def _left(bounds: Bounds) -> float:
    left = bounds.deadline - time.monotonic()
    if left <= 0:
        raise ModelRefused(
            Reason.TOO_SLOW, f"looking into it took more than {bounds.seconds:g} s"
        )
    return left


def _check_length(answer: bytearray, bounds: Bounds) -> None:
    if len(answer) > bounds.answer_bytes:
        raise ModelRefused(
            Reason.ANSWER_INVALID,
            f"the process that looked into it said more than {bounds.answer_bytes:,}"
            " bytes",
        )


def _await_end(pid: int, bounds: Bounds) -> None:
    """It has closed its output; its number stays taken until _end."""
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while os.waitid(os.P_PID, pid, flags) is None:
        time.sleep(min(0.002, _left(bounds)))


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it may have started: its group is ours until it is waited for."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    CLOSED.end()
    for pipe in _pipes_of(process):
        pipe.close()


def _pipes_of(process: subprocess.Popen[bytes]) -> list[IO[bytes]]:
    return [pipe for pipe in (process.stdin, process.stdout) if pipe is not None]


def _death(returncode: int) -> ModelRefused:
    if -returncode == signal.SIGXCPU:
        return ModelRefused(Reason.TOO_SLOW, "looking into it took too much CPU time")
    how = f"exit {returncode}" if returncode >= 0 else f"signal {-returncode}"
    return ModelRefused(Reason.DIED, f"the process that looked into it died ({how})")
