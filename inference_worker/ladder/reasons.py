"""Why a rung was left: one of six codes, by the class of the error and where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from inference_worker.engine.errors import (
    BackendUnavailable,
    BackendUnknown,
    DeviceLost,
    EngineMissing,
    EnvironmentWrong,
    ManifestError,
    OutOfDeviceMemory,
    PackageMissing,
    PrecisionUnknown,
    StoreError,
)
from inference_worker.ladder.errors import WrongNumbers
from inference_worker.memory import NoRoom


class Reason(StrEnum):
    """`SIG` the files may not be loaded, `ENV` they are for another machine or a
    runtime is missing, `LOAD` the runtime refused them, `WARMUP` it could not show
    that it computes right, `OOM` no room on the card, `RUNTIME` it failed in traffic.
    """

    SIG = "SIG"
    ENV = "ENV"
    LOAD = "LOAD"
    WARMUP = "WARMUP"
    OOM = "OOM"
    RUNTIME = "RUNTIME"


class Stage(StrEnum):
    """Where a rung failed."""

    LOAD = "load"
    WARM_UP = "warm-up"
    TRAFFIC = "traffic"


# The first that fits: subclasses before what they derive from.
_BY_CLASS: tuple[tuple[type[Exception], Reason], ...] = (
    (OutOfDeviceMemory, Reason.OOM),
    (NoRoom, Reason.OOM),
    (MemoryError, Reason.OOM),
    (EngineMissing, Reason.LOAD),
    (EnvironmentWrong, Reason.ENV),
    (StoreError, Reason.SIG),
    (ManifestError, Reason.SIG),
    (BackendUnknown, Reason.ENV),
    (BackendUnavailable, Reason.ENV),
    (PrecisionUnknown, Reason.ENV),
    (PackageMissing, Reason.ENV),
    (WrongNumbers, Reason.WARMUP),
)
_BY_STAGE = {
    Stage.LOAD: Reason.LOAD,
    Stage.WARM_UP: Reason.WARMUP,
    Stage.TRAFFIC: Reason.RUNTIME,
}


def reason_of(error: Exception, stage: Stage) -> Reason:
    """By the error's class where that says it all, else by where it happened."""
    for kind, reason in _BY_CLASS:
        if isinstance(error, kind):
            return reason
    return _BY_STAGE[stage]


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of a rung. `code` is the error's own, `at` in seconds since 1970."""

    rung: str
    reason: Reason
    stage: Stage
    code: str
    message: str
    at: float


class Fallen(Exception):
    """A rung cannot be stood on, because of `error` where it was raised here."""

    def __init__(
        self,
        stage: Stage,
        reason: Reason,
        code: str,
        message: str,
        error: Exception | None = None,
    ) -> None:
        super().__init__(message)
        self.stage, self.reason, self.code, self.error = stage, reason, code, error

    @property
    def lost(self) -> bool:
        """Whether the card is gone for this process."""
        return isinstance(self.error, DeviceLost)

    @classmethod
    def of(cls, error: Exception, stage: Stage) -> Self:
        code = getattr(error, "code", type(error).__name__)
        return cls(stage, reason_of(error, stage), code, str(error), error)

    def also(self, words: str) -> Fallen:
        """The same, with more to read in its message."""
        text = f"{self}; {words}"
        return Fallen(self.stage, self.reason, self.code, text, self.error)

    def failure(self, rung: str, at: float) -> Failure:
        return Failure(rung, self.reason, self.stage, self.code, str(self)[:500], at)


@contextmanager
def falling(stage: Stage) -> Iterator[None]:
    """Whatever is raised inside becomes Fallen, at this stage."""
    try:
        yield
    except Fallen:
        raise
    except Exception as error:  # a runtime may raise anything, and so may a bug
        raise Fallen.of(error, stage) from error
