"""A thread that brings better rungs up, after a start and again when they have failed,
while photos are looked at on another one, and keeps that one up. A device that hangs
meanwhile is left behind: see `attempts`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from inference_worker.engine.engines import RECHECK_SECONDS
from inference_worker.gatherer import Overloaded
from inference_worker.ladder.attempts import Attempts
from inference_worker.ladder.ladder import Ladder
from inference_worker.ladder.reasons import Fallen
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.standing import Standing
from inference_worker.ladder.upkeep import Upkeep
from traceability.lib.sockets import AlreadyLocked, lock

log = logging.getLogger(__name__)

Between = Callable[[Callable[[], None]], "Future[None]"]
# A rung that is due is tried at once, but a mistake must not become a busy loop.
LEAST_SECONDS = 0.05
CLOSE_SECONDS = 10.0
TURN_SECONDS = 0.5


class Climber:
    """`between` runs something on the batcher's thread between two batches. `turn` is
    the file whose lock it holds while it brings up what runs on a card: two processes
    that share one would take the third model's place there from each other.
    """

    def __init__(
        self, ladder: Ladder, between: Between, turn: Path | None = None
    ) -> None:
        self._ladder, self._between, self._turn = ladder, between, turn
        self._attempts = Attempts(meanwhile=self._recheck)
        self._upkeep = Upkeep(ladder, self._attempts)
        self._closed, self._checked = threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._run, name="climber", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Before the batcher is. A rung that is being brought up is hardly waited for:
        it is closed when it comes.
        """
        self._closed.set()
        self._attempts.close()
        self._ladder.changed.set()
        self._thread.join(CLOSE_SECONDS)
        self._ladder.record.end_all()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._ladder.changed.wait(self._seconds())
            self._ladder.changed.clear()
            self._recheck()
            for rung in self._due():
                if self._closed.is_set() or self._climb(rung):
                    break
            if not self._ladder.untried:  # a replica would stand in their way
                self._grow()

    def _seconds(self) -> float:
        """Until the first rung is due, or what runs is looked at again."""
        record = self._ladder.record
        left = [record.seconds_left(rung.name) for rung in self._better()]
        return max(min([RECHECK_SECONDS, *left]), LEAST_SECONDS)

    def _recheck(self) -> None:
        """Every RECHECK_SECONDS: a key may have been revoked meanwhile, or what runs
        has begun to compute wrong.
        """
        now = time.monotonic()
        if self._closed.is_set() or now - self._checked < RECHECK_SECONDS:
            return
        self._checked = now
        errand = self._upkeep.check()
        if errand is not None:
            self._do(errand)

    def _due(self) -> list[Rung]:
        """The best first, but those that have failed after all others."""
        record = self._ladder.record
        due = [rung for rung in self._better() if not record.rests(rung.name)]
        return sorted(due, key=lambda rung: bool(record.failure(rung.name)))

    def _better(self) -> list[Rung]:
        """Better rungs that may be tried some time."""
        hangs = self._attempts.hangs
        return [rung for rung in self._ladder.better() if not hangs(rung.name)]

    def _climb(self, rung: Rung) -> bool:
        """Whether the traffic goes on there."""
        with self._alone(rung):
            return not self._closed.is_set() and self._climb_now(rung)

    @contextmanager
    def _alone(self, rung: Rung) -> Iterator[None]:
        """Once no other process brings something up on the same card."""
        with ExitStack() as held:
            while self._turn and rung.on_card and not self._closed.is_set():
                try:
                    held.enter_context(lock(self._turn))
                    break
                except AlreadyLocked:
                    self._recheck()
                    self._closed.wait(TURN_SECONDS)
            yield

    def _climb_now(self, rung: Rung) -> bool:
        work = partial(self._ladder.bring_up, rung)
        try:
            standing = self._attempts.make(rung.name, work, Standing.close)
        except Fallen as fallen:
            if not self._closed.is_set():  # else it was not given its time
                self._do(partial(self._ladder.not_up, rung, fallen))
            return False
        return self._hand_over(standing)

    def _grow(self) -> None:
        """One replica after another, as long as they pay."""
        while not self._closed.is_set() and (errand := self._upkeep.replica()):
            if not self._do(errand):
                break

    def _hand_over(self, standing: Standing) -> bool:
        taken = self._do(partial(self._ladder.take, standing))
        if not taken:
            standing.close()
        return taken

    def _do(self, errand: Callable[[], None]) -> bool:
        """Between two batches, and wait for it; False when the batcher is closing."""
        try:
            self._between(errand).result()
        except Overloaded as error:
            log.info("too late to change rungs: %s", error)
            return False
        except Exception:  # a bug there must not end the climbing
            log.exception("what was to be done between two batches failed")
            return False
        return True
