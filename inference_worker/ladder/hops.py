"""What is said of the ladder: one log line a hop, counters, and how things stand."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from inference_worker.ladder.reasons import Failure

log = logging.getLogger("inference_worker.ladder")


@dataclass(frozen=True, slots=True)
class Footing:
    """What photos are looked at with."""

    rung: str
    model: str
    version: str
    backend: str
    precision: str


@dataclass(frozen=True, slots=True)
class Situation:
    """How a ladder stands. `footing` None: it refuses. `failures`: of the rungs that
    are better than what it stands on, the best first; degraded when there is one.
    """

    footing: Footing | None
    failures: tuple[Failure, ...]

    @property
    def degraded(self) -> bool:
        return bool(self.failures)


@dataclass
class Figures:
    """Counters and gauges of one ladder, for whoever exposes them.

    `hops` by rung that was left and reason, `climbs` by rung that was climbed to,
    `retries` by rung that was tried again in vain; `place` is the rung stood on, 0 the
    best, -1 none; `untried` of the better ones are only on their way up after a start.
    """

    hops: Counter[tuple[str, str]] = field(default_factory=Counter)
    climbs: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    place: int = -1
    untried: int = 0


def log_hop(failure: Failure, to: str) -> None:
    _line(
        logging.WARNING if to else logging.CRITICAL,
        "ladder.hop",
        left=failure.rung,
        to=to or None,
        reason=failure.reason,
        stage=failure.stage,
        code=failure.code,
        message=failure.message,
    )


def log_way_up(on: str, to: Iterable[str]) -> None:
    """After a start, with better ones to come: no fault."""
    _line(logging.INFO, "ladder.way_up", on=on, to=", ".join(to))


def log_climb(left: str, to: str, *, again: bool) -> None:
    """`again`: it had failed, so that who read of that reads of this, too."""
    level = logging.WARNING if again else logging.INFO
    _line(level, "ladder.climb", left=left or None, to=to)


def log_retry(failure: Failure) -> None:
    _line(
        logging.INFO,
        "ladder.retry_failed",
        rung=failure.rung,
        reason=failure.reason,
        stage=failure.stage,
        code=failure.code,
        message=failure.message,
    )


def _line(level: int, event: str, **told: str | None) -> None:
    """One line, to be read by people and programs."""
    log.log(level, "%s %s", event, json.dumps(told, ensure_ascii=False))
