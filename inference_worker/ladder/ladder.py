"""Look at photos with the best backend that holds, and go down when it does not."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.api import Detector
from inference_worker.engine.optics import Optics
from inference_worker.engine.types import Detections, Image
from inference_worker.ladder import hops
from inference_worker.ladder.asking import OF_THE_IMAGE, Ask, Asker
from inference_worker.ladder.falls import Falls
from inference_worker.ladder.hops import Figures, Situation
from inference_worker.ladder.raising import Raiser
from inference_worker.ladder.reasons import Fallen
from inference_worker.ladder.record import Record
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.standing import Looked, Standing, Steps
from inference_worker.ladder.workshop import Workshop


class Ladder:
    """One thread, the batcher's, looks and changes rungs; a start comes before it.

    `tell` is called with the situation after every change, and must not wait. `leave`
    ends the process, which cannot be saved when its card is lost. `standing` is what
    photos are looked at with; None when no rung holds.
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        workshop: Workshop,
        record: Record,
        *,
        tell: Callable[[Situation], None] = lambda situation: None,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self.rungs = list(rungs)
        self.workshop, self.record = workshop, record
        self.steps = Steps()
        self._tell = tell
        self.falls = Falls(record, leave)
        self._raiser = Raiser(self.rungs, workshop, self.falls, self.steps)
        self.asker = Asker(workshop, self.falls, self.steps)
        self.standing: Standing | None = None

    @property
    def figures(self) -> Figures:
        return self.falls.figures

    @property
    def changed(self) -> threading.Event:
        """Set when a rung has failed."""
        return self.falls.changed

    @property
    def wants_templates(self) -> bool:
        return self.workshop.manifest.input.channels == 6

    @property
    def most(self) -> int:
        """Images that the rung stood on looks at in one call."""
        standing = self.standing
        return standing.detector.runner.most if standing else 1

    def frame(self, canvas: tuple[int, int]) -> tuple[int, int]:
        """What that rung makes of a canvas: images of one frame share a call."""
        standing = self.standing
        return standing.frame(canvas) if standing else canvas

    def room(self, nbytes: int) -> NDArray[np.uint8] | None:
        """Where that rung wants a photo to lie; on any thread."""
        standing = self.standing
        return standing.detector.runner.room(nbytes) if standing else None

    @property
    def situation(self) -> Situation:
        standing = self.standing
        failures = [self.record.failure(rung.name) for rung in self.better()]
        return Situation(
            standing.footing if standing else None,
            tuple(failure for failure in failures if failure is not None),
        )

    def better(self) -> list[Rung]:
        """The rungs above the one stood on; all when there is none."""
        standing, rungs = self.standing, list(self.rungs)
        return rungs[: rungs.index(standing.rung)] if standing else rungs

    @property
    def untried(self) -> list[Rung]:
        """Better rungs that nothing is known against: it is on its way up to them."""
        return [rung for rung in self.better() if not self.record.failure(rung.name)]

    def start(self) -> None:
        """Take the best rung that holds; those that failed before come last. Raises
        NoRung.
        """
        self._begin(self._raiser.first_of(self.rungs))

    def start_soon(self) -> None:
        """Take the best rung that needs no card, and leave better ones to a Climber.
        As `start` where no such rung holds, or all are known to fail. Raises NoRung.
        """
        standing = self._begin(self._raiser.soonest_of(self.rungs))
        if self.untried:
            hops.log_way_up(standing.rung.name, [one.name for one in self.untried])

    def infer(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None = None,
        optics: Sequence[Optics | None] | None = None,
    ) -> Looked:
        """On the batcher's thread. When the rung fails, the same images are looked at
        on the next one, until one has seen them.

        Raises NoRung when none can look at anything now, ImageError or TemplateError,
        and what the best rung raised when all are well and these images are not.
        """
        standing = self.standing
        if standing is None:
            raise self.falls.nothing_holds(self.rungs)

        def ask(detector: Detector) -> list[Detections]:
            return detector.infer(images, templates, optics)

        begun, tried = time.monotonic(), list[tuple[Standing, Fallen]]()
        while standing is not None:
            started = time.monotonic()
            try:
                found = self.asker.look(standing, ask)
            except OF_THE_IMAGE:
                self.falls.leave(tried)
                self._settle(standing)
                raise
            except Fallen as fallen:
                tried.append((standing, fallen))
                standing = self._raiser.below(standing.rung, fallen)
            else:
                self.falls.leave(tried)
                self._settle(standing)
                return Looked(found, standing.detector, started - begun)
        return self._when_all_failed(tried, ask)

    def take(self, better: Standing) -> None:
        """Between two batches, on the batcher's thread: go on with this one."""
        left = self.standing
        if better.rung not in self.better():
            better.close()
            return
        self.figures.climbs[better.rung.name] += 1
        again = better.rung not in self.untried
        hops.log_climb(left.rung.name if left else "", better.rung.name, again=again)
        self._settle(better)
        if left is not None:
            left.close()

    def bring_up(self, rung: Rung) -> Standing:
        """On any thread; nothing is changed. Raises Fallen."""
        return self._raiser.bring_up(rung)

    def give_up(self, standing: Standing, fallen: Fallen) -> None:
        """Between two batches: go on below, or with the same one, brought up anew."""
        if standing is not self.standing:
            return
        below = self._raiser.below(standing.rung, fallen)
        if below is not None:
            self.falls.leave([(standing, fallen)])
        else:
            below = self._raiser.once_more([(standing, fallen)])
            if below is not None:
                self.falls.renewed(standing.rung, fallen)
        self._settle(below)

    def not_up(self, rung: Rung, fallen: Fallen) -> None:
        """Between two batches: a better rung was tried in vain. If that was the first
        time it fell, and if it has hung, that is told as what became of it.
        """
        standing = self.standing
        if rung in self.untried:
            self._raiser.could_not(rung, fallen)
            self._count()
            self._settle(standing)
        else:
            in_use = standing is not None and standing.rung.on_card
            if self.falls.retried(rung, fallen, card_in_use=in_use):
                self._tell(self.situation)

    def hung(self) -> None:
        """The watchdog gives up on the step that is under way."""
        if self.steps.current is not None:
            self.falls.hung(self.steps.current)

    def close(self) -> None:
        """After the batcher's thread has ended."""
        if self.standing is not None:
            self.standing.close()

    def _begin(self, standing: Standing | None) -> Standing:
        self._settle(standing)
        if standing is None:
            raise self.falls.nothing_holds(self.rungs)
        return standing

    def _settle(self, to: Standing | None) -> None:
        """Go on with `to`, and say what changed."""
        if to is self.standing and not self.falls.untold:
            return
        self.standing = to
        if to is not None:
            self.record.holds(to.rung.name, to.identity)
            below = self.rungs[self.rungs.index(to.rung) + 1 :]
            self.record.forget(rung.name for rung in below)
        self._count()
        better = [rung.name for rung in self.better()]
        self.falls.tell(to.rung.name if to else "", better)
        self._tell(self.situation)

    def _count(self) -> None:
        self.figures.place = len(self.better()) if self.standing else -1
        self.figures.untried = len(self.untried)

    def _when_all_failed(
        self, tried: Sequence[tuple[Standing, Fallen]], ask: Ask
    ) -> Looked:
        """When a rung is right on the golden picture, these images are to blame: it
        goes on. Else each is brought up once more before it is given up.
        """
        error = tried[0][1].error or tried[0][1]
        right = self.asker.right_one(tried)
        if right is not None:
            self._settle(right)
            raise error
        again = self._raiser.once_more(tried)
        self._settle(again)
        if again is None:
            raise self.falls.nothing_holds(self.rungs) from error
        try:
            return Looked(self.asker.look(again, ask), again.detector)
        except Fallen:
            raise error from None
