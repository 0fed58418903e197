"""What is done for the rung that is stood on, beside the photos and between them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from inference_worker.engine.api import Detector
from inference_worker.engine.errors import ManifestError, StoreError
from inference_worker.ladder.attempts import Attempts
from inference_worker.ladder.ladder import Ladder
from inference_worker.ladder.reasons import Fallen, Stage
from inference_worker.ladder.record import DEATHS
from inference_worker.ladder.replicas import replicated
from inference_worker.ladder.standing import Standing

log = logging.getLogger(__name__)

Errand = Callable[[], None]
"""For the batcher's thread, between two batches."""


def replica_of(standing: Standing) -> str:
    """Its name in the record, where rungs have theirs."""
    return f"{standing.rung.name} replica"


class Upkeep:
    """Its methods are called on any thread but the batcher's."""

    def __init__(self, ladder: Ladder, attempts: Attempts | None = None) -> None:
        self._ladder, self._attempts = ladder, attempts or Attempts()

    def check(self) -> Errand | None:
        """Whether what runs may still run, and is still right: whoever no longer sees
        on the golden picture what the CPU saw is left. That costs a look at a picture.
        """
        ladder = self._ladder
        standing = ladder.standing
        if standing is None:
            return None
        try:
            ladder.workshop.recheck(standing.source)
        except (StoreError, ManifestError) as error:
            fallen = Fallen.of(error, Stage.TRAFFIC)
            return partial(ladder.give_up, standing, fallen)
        return partial(self._prove, standing)

    def replica(self) -> Errand | None:
        """One more of what is stood on, to share its batches with; None where that does
        not pay, or did not come up.
        """
        ladder = self._ladder
        standing = ladder.standing
        if standing is None or standing.alone:
            return None
        name, work = replica_of(standing), partial(self._one_more, standing)
        try:
            other = self._attempts.make(name, work, _close)
        except Fallen as fallen:
            log.info("no replica of %s: %s", standing.rung.name, fallen)
            if fallen.lost:
                ladder.falls.lose(standing.rung, fallen)
            other = None
        standing.alone = other is None
        return partial(self._share, standing, other) if other else None

    def _one_more(self, standing: Standing) -> Detector | None:
        """None too where processes ended at it: the next one would, and photos with it.

        Raises Fallen.
        """
        record, name = self._ladder.record, replica_of(standing)
        deaths = record.begin(name)
        if deaths >= DEATHS:
            log.warning("no %s: %s processes ended while it came up", name, deaths)
            return None
        try:
            workshop = self._ladder.workshop
            return workshop.replica(standing.rung, standing.source)
        finally:
            record.end(name)

    def _prove(self, standing: Standing) -> None:
        ladder = self._ladder
        if standing is ladder.standing:
            fallen = ladder.asker.golden_fall(standing)
            if fallen is not None:
                ladder.give_up(standing, fallen)

    def _share(self, standing: Standing, other: Detector) -> None:
        if standing is self._ladder.standing and not standing.closed:
            standing.detector = replicated(standing.detector, other)
            log.info("%s shares its batches with one more", standing.rung.name)
        else:
            other.close()


def _close(late: Detector | None) -> None:
    if late is not None:
        late.close()
