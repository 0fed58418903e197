"""A rung that was brought up, and what the batcher's thread does with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from inference_worker.engine.api import Detector
from inference_worker.engine.engines import Engine
from inference_worker.engine.errors import EngineError
from inference_worker.engine.store import Version
from inference_worker.engine.types import Detections
from inference_worker.ladder.hops import Footing
from inference_worker.ladder.reasons import Stage
from inference_worker.ladder.rungs import Rung


@dataclass(eq=False, slots=True)
class Standing:
    """A rung with the detector that was made of it, and what that is made from.

    `proved_at`: when it was last right on the golden picture, seconds since 1970;
    `alone`: no replica is to be tried (again).
    """

    rung: Rung
    detector: Detector
    source: Version | Engine
    identity: str
    proved_at: float
    alone: bool = False
    closed: bool = False

    def frame(self, canvas: tuple[int, int]) -> tuple[int, int]:
        """What it makes of a canvas; see `Backend.frame`."""
        try:
            return self.detector.runner.frame(canvas)
        except EngineError:  # it will say so when it looks
            return canvas

    def close(self) -> None:
        """May be repeated."""
        if not self.closed:
            self.closed = True
            self.detector.close()

    @property
    def footing(self) -> Footing:
        made = self.detector
        return Footing(
            self.rung.name, made.model, made.version, made.backend, made.precision
        )


@dataclass(frozen=True, eq=False, slots=True)
class Looked:
    """What was found, by what; `lost_seconds` went into rungs that did not hold."""

    found: list[Detections]
    detector: Detector
    lost_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """Something that may hang, since `time.monotonic()` was `since`."""

    rung: str
    stage: Stage
    since: float

    def seconds(self) -> float:
        return time.monotonic() - self.since


@dataclass
class Steps:
    """The step that the photos wait for, for the watchdog to look at."""

    current: Step | None = field(default=None, init=False)

    @contextmanager
    def within(self, rung: str, stage: Stage) -> Iterator[None]:
        self.current = Step(rung, stage, time.monotonic())
        try:
            yield
        finally:
            self.current = None

    def seconds(self, stage: Stage) -> float:
        """How long a step of this stage has taken; 0 while there is none."""
        step = self.current
        return step.seconds() if step is not None and step.stage is stage else 0.0
