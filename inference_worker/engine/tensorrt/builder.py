"""Make engines of ONNX files in a process of their own: a build takes minutes, may need
all of the card, and ends with whatever becomes of that process.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

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

    def wait(
        self, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> Made:
        """What it made, or raise what it raised. The process is gone afterwards."""
        try:
            self._pipe.send(self._order)
            return self._listen(progress, cancelled)
        except (EOFError, OSError) as error:
            raise self._died() from error
        finally:
            self._process.kill()
            self._process.join()
            self._pipe.close()

    def _listen(
        self, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> Made:
        deadline = time.monotonic() + self._seconds
        stopping: BuildFailed | None = None
        until = deadline
        while True:
            if self._pipe.poll(_TICK):
                told = self._pipe.recv()
                if isinstance(told, Made) and stopping is None:
                    return told
                if isinstance(told, _Failure):
                    raise stopping or told.error()
                if isinstance(told, Progress):
                    progress(told)
            now = time.monotonic()
            if stopping is None and (why := self._reason(now > deadline, cancelled())):
                stopping, until = why, now + _GRACE
                self._pipe.send("stop")
            if stopping is not None and now > until:
                raise stopping

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

    try:
        pipe.send(make(pipe.recv(), pipe.send, cancelled))
    except EngineError as error:
        pipe.send(_Failure.of(error))
    except BrokenPipeError:
        return
