"""A thread that tries better rungs again, while photos are looked at on another one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from inference_worker.ladder.ladder import Ladder
from inference_worker.ladder.reasons import Fallen
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.standing import Standing

log = logging.getLogger(__name__)

Between = Callable[[Callable[[], None]], "Future[None]"]
# A rung that is due is tried at once, but a mistake must not become a busy loop.
LEAST_SECONDS = 0.05
CLOSE_SECONDS = 10.0


class Climber:
    """`between` runs something on the batcher's thread between two batches."""

    def __init__(self, ladder: Ladder, between: Between) -> None:
        self._ladder, self._between = ladder, between
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="climber", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Before the batcher is; a rung that is being brought up is not waited for."""
        self._closed.set()
        self._ladder.changed.set()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._ladder.changed.wait(self._seconds())
            self._ladder.changed.clear()
            for rung in self._due():
                if self._closed.is_set() or self._climb(rung):
                    break

    def _seconds(self) -> float | None:
        """Until the first rung is due; None when there is nothing to climb to."""
        record = self._ladder.record
        left = [record.seconds_left(rung.name) for rung in self._failed()]
        return max(min(left), LEAST_SECONDS) if left else None

    def _due(self) -> list[Rung]:
        record = self._ladder.record
        return [rung for rung in self._failed() if not record.rests(rung.name)]

    def _failed(self) -> list[Rung]:
        record = self._ladder.record
        return [one for one in self._ladder.better() if record.failure(one.name)]

    def _climb(self, rung: Rung) -> bool:
        """Whether the traffic goes on there."""
        try:
            standing = self._ladder.bring_up(rung)
        except Fallen as fallen:
            self._ladder.retried(rung, fallen)
            return False
        return self._hand_over(standing)

    def _hand_over(self, standing: Standing) -> bool:
        try:
            self._between(partial(self._ladder.take, standing)).result()
        except Exception:  # the batcher is closing
            log.info("%s came too late", standing.rung.name)
            standing.close()
            return False
        return True
