"""Make engines of ONNX files in a process of their own: a build takes minutes, may need
all of the card, and ends with whatever becomes of that process.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, cast

from inference_worker.engine.errors import BuildCancelled, BuildFailed, EngineError
from inference_worker.engine.gpu import Gpu, open_gpu
from inference_worker.engine.tensorrt.building import Made, Order, make
from inference_worker.engine.tensorrt.environment import environment_of
from inference_worker.engine.tensorrt.profiles import Profile
from inference_worker.engine.tensorrt.progress import Progress

SECONDS = 1800.0
"""Ten times what a network of ours may take on a slow card."""

_GRACE = 10.0  # from being told to stop to being stopped
_TICK = 0.1


@dataclass(frozen=True, slots=True)
class Built:
    """`environment` is what the engine's manifest says of where it may run."""

    plan: bytes
    timing_cache: bytes
    environment: dict[str, Any]
    warnings: tuple[str, ...] = ()


def build(
    onnx: bytes,
    profiles: Sequence[Profile],
    budget: int,
    *,
    precision: str,
    timing_cache: bytes = b"",
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    seconds: float = SECONDS,
    card: Gpu | None = None,
) -> Built:
    """An engine that computes as the graph says; `networks.network_for` makes graphs.

    `budget` bytes of the card are for one layer's scratch memory, at most;
    `timing_cache` is of an earlier build on this machine. `cancelled` is asked ten
    times a second, and at `seconds` the build is stopped as if it said yes. Raises
    BuildFailed with what TensorRT said, BuildCancelled, and BackendUnavailable.
    """
    card = card or open_gpu()
    order = Order(onnx, tuple(profiles), budget, timing_cache)
    made = _Process(order, seconds).wait(progress, cancelled)
    environment = environment_of(card, precision, profiles)
    return Built(made.plan, made.timing_cache, environment, made.warnings)


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error on its way here; its text is made anew from what it was made of."""

    kind: type[EngineError]
    lines: tuple[str, ...]
    hint: str

    @classmethod
    def of(cls, error: EngineError) -> _Failure:
        return cls(type(error), tuple(str(error).split("\n")), error.hint)

    def error(self) -> EngineError:
        return self.kind(self.lines[0], self.hint, self.lines[1:])


class _Process:
    def __init__(self, order: Order, seconds: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_work, args=(theirs,), name="tensorrt-build", daemon=True
        )
        self._process.start()
        theirs.close()
        self._seconds = seconds
        self._order = order
        self._stopping: BuildFailed | None = None

    def wait(
        self, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> Made:
        """What it made, or raise what it raised. The process is gone afterwards."""
        try:
            self._pipe.send(self._order)
            return self._listen(progress, cancelled)
        except (EOFError, OSError) as error:
            raise self._stopping or self._died() from error
        finally:
            self._process.kill()
            self._process.join()
            self._pipe.close()

    def _listen(
        self, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> Made:
        """It may be done, or die, before it hears that it is to stop."""
        until = time.monotonic() + self._seconds
        while True:
            if self._pipe.poll(_TICK):
                told = self._pipe.recv()
                if isinstance(told, Progress):
                    progress(told)
                elif self._stopping is not None:
                    raise self._stopping
                elif isinstance(told, _Failure):
                    raise told.error()
                else:
                    return cast(Made, told)
            is_late = time.monotonic() > until
            if self._stopping is None:
                self._stopping = self._reason(is_late, cancelled())
                if self._stopping is not None:
                    until = time.monotonic() + _GRACE
                    self._tell_to_stop()
            elif is_late:
                raise self._stopping

    def _tell_to_stop(self) -> None:
        with suppress(OSError):  # it is gone; what it said may still lie in the pipe
            self._pipe.send("stop")

    def _reason(self, is_late: bool, is_cancelled: bool) -> BuildFailed | None:
        if is_cancelled:
            return BuildCancelled("the build was cancelled; nothing was made")
        if is_late:
            return BuildFailed(
                f"the build took more than {self._seconds:g} s",
                "Give it more time, or fewer profiles.",
            )
        return None

    def _died(self) -> BuildFailed:
        self._process.join(_GRACE)
        code = self._process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit {code}"
        return BuildFailed(
            f"the process that built the engine died ({how})",
            "The card may lack memory: give a smaller budget, or end what else runs.",
        )


def _work(pipe: Connection) -> None:
    """The process: an order comes, progress goes, in the end what was made."""
    stopped = False

    def cancelled() -> bool:
        """A word or the end of whoever asked: both stop the build."""
        nonlocal stopped
        stopped = stopped or pipe.poll()
        return stopped

    def tell(progress: Progress) -> None:
        """Called by C++, into which nothing may be raised."""
        nonlocal stopped
        try:
            pipe.send(progress)
        except OSError:
            stopped = True

    answer: Made | _Failure
    try:
        answer = make(pipe.recv(), tell, cancelled)
    except EngineError as error:
        answer = _Failure.of(error)
    with suppress(OSError):
        pipe.send(answer)
