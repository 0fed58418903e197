"""What the processes of one place remember of their rungs, in a small file.

So a process that replaces one that the device took along knows which rung not to climb
at once. Losing the file costs one try of a rung that does not hold.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from inference_worker.ladder.reasons import Failure, Reason, Stage

log = logging.getLogger(__name__)

PAUSES = (60.0, 300.0, 900.0)
"""Seconds until a rung is tried again: after its first failure, its second, later."""

STEADY_SECONDS = 900.0
"""Who has held for this long begins anew with the first pause."""

DEATHS = 2
"""Processes that ended while they brought a rung up: fewer may have been killed."""


@dataclass
class Known:
    """Of one rung. `failure` is None while it holds, or has never been tried."""

    failures: int = 0
    retry_at: float = 0.0
    held_since: float = 0.0
    deaths: int = 0
    good: str = ""
    failure: Failure | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Known:
        failure = told.pop("failure")
        if failure is not None:
            stage, reason = Stage(failure["stage"]), Reason(failure["reason"])
            failure = Failure(**{**failure, "stage": stage, "reason": reason})
        return cls(**told, failure=failure)


@dataclass
class Record:
    """Thread-safe. `clock` is the machine's, as the file outlives its process."""

    path: Path
    clock: Callable[[], float] = time.time
    _known: dict[str, Known] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        try:
            told = json.loads(self.path.read_bytes())
            self._known = {name: Known.from_json(one) for name, one in told.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning(
                "%s is not understood, all rungs are tried: %s", self.path, error
            )

    def failure(self, rung: str) -> Failure | None:
        with self._lock:
            return self._of(rung).failure

    def rests(self, rung: str) -> bool:
        """Whether it failed and is not to be tried yet."""
        return self.seconds_left(rung) > 0

    def seconds_left(self, rung: str) -> float:
        """Until it may be tried; 0 when it may be now."""
        with self._lock:
            known = self._of(rung)
            if known.failure is None:
                return 0.0
            # A clock that was set back must not make it wait for hours.
            return max(0.0, min(known.retry_at - self.clock(), PAUSES[-1]))

    def failed(self, failure: Failure, *, again: bool = False) -> None:
        """It is not tried for a while, longer each time. `again`: a try to climb back
        was in vain, and why it was left stays what it was.
        """
        with self._lock:
            known, now = self._of(failure.rung), self.clock()
            steady = known.held_since and now - known.held_since > STEADY_SECONDS
            known.failures = 1 if steady else known.failures + 1
            pause = PAUSES[min(known.failures, len(PAUSES)) - 1]
            known.retry_at, known.held_since = now + pause, 0.0
            known.good, known.deaths = "", 0
            if known.failure is None or not again:
                known.failure = failure
            self._save()

    def holds(self, rung: str, what: str) -> None:
        """It takes traffic with `what`, and is not tried apart again until it fails."""
        with self._lock:
            known = self._of(rung)
            known.failure, known.good, known.deaths = None, what, 0
            known.held_since = self.clock()
            self._save()

    def is_good(self, rung: str, what: str) -> bool:
        with self._lock:
            return self._of(rung).good == what

    def begin(self, rung: str) -> int:
        """Note that this process brings it up; returns how many have ended at that."""
        with self._lock:
            known = self._of(rung)
            deaths = known.deaths
            known.deaths += 1
            self._save()
            return deaths

    def end(self, rung: str) -> None:
        """It did not kill the process."""
        with self._lock:
            self._of(rung).deaths = 0
            self._save()

    def forget(self, rungs: Iterable[str]) -> None:
        """Nobody tries these now: whether they hold is found out when they are needed.
        How often they have failed still counts.
        """
        with self._lock:
            for rung in rungs:
                self._of(rung).failure = None
            self._save()

    def end_all(self) -> None:
        """This process ends in order: what it was about has not killed it."""
        with self._lock:
            for known in self._known.values():
                known.deaths = 0
            self._save()

    def _of(self, rung: str) -> Known:
        return self._known.setdefault(rung, Known())

    def _save(self) -> None:
        """A disk that fails must not take the line along."""
        told = {name: known.to_json() for name, known in self._known.items()}
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            draft.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(told, indent=1), encoding="utf-8")
            draft.replace(self.path)
        except OSError as error:
            log.warning("%s is not written: %s", self.path, error)
