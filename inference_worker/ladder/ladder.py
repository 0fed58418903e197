"""Look at photos with the best backend that holds, and go down when it does not."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from inference_worker.engine.errors import (
    BackendUnavailable,
    BackendUnknown,
    EngineMissing,
    ImageError,
    ManifestError,
    StoreError,
    TemplateError,
)
from inference_worker.engine.types import Detections, Image
from inference_worker.health import EXIT_CODE
from inference_worker.ladder import hops
from inference_worker.ladder.errors import NoRung, TriedToDeath
from inference_worker.ladder.hops import Figures, Situation
from inference_worker.ladder.reasons import Failure, Fallen, Reason, Stage, falling
from inference_worker.ladder.record import DEATHS, Record
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.standing import Looked, Standing, Steps
from inference_worker.ladder.trial import try_apart
from inference_worker.ladder.workshop import Workshop

log = logging.getLogger(__name__)

# The image's own fault, whatever looks at it.
_OF_THE_IMAGE = (ImageError, TemplateError)
# What a rung that nobody asked for by name may raise without anybody being told.
_ABSENT = (BackendUnavailable, BackendUnknown, EngineMissing)


class Ladder:
    """One thread, the batcher's, looks and changes rungs; `start` comes before it.

    `tell` is called with the situation after every change, and must not wait. `leave`
    ends the process, which cannot be saved when its card is lost. `changed` is set when
    a rung has failed.
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
        self.figures, self.steps = Figures(), Steps()
        self.changed = threading.Event()
        self._tell, self._leave = tell, leave
        self._standing: Standing | None = None
        self._fell: list[Failure] = []

    @property
    def wants_templates(self) -> bool:
        return self.workshop.manifest.input.channels == 6

    @property
    def situation(self) -> Situation:
        standing = self._standing
        failures = [self.record.failure(rung.name) for rung in self.better()]
        return Situation(
            standing.footing if standing else None,
            tuple(failure for failure in failures if failure is not None),
        )

    def better(self) -> list[Rung]:
        """The rungs above the one stood on; all when there is none."""
        standing, rungs = self._standing, list(self.rungs)
        return rungs[: rungs.index(standing.rung)] if standing else rungs

    def start(self) -> None:
        """Take the best rung that holds; those that failed before come last.

        Raises NoRung.
        """
        self._settle(self._first_of(self.rungs))
        if self._standing is None:
            raise self._nothing_holds()

    def infer(
        self, images: Sequence[Image], templates: Sequence[Image] | None = None
    ) -> Looked:
        """On the batcher's thread. When the rung fails, the same images are looked at
        on the next one, until one has seen them.

        Raises NoRung when none can look at anything now, ImageError or TemplateError,
        and what the best rung raised when all are well and these images are not.
        """
        standing = self._standing
        if standing is None:
            raise self._nothing_holds()
        begun, tried = time.monotonic(), list[tuple[Standing, Fallen]]()
        while standing is not None:
            started = time.monotonic()
            try:
                found = self._look(standing, images, templates)
            except _OF_THE_IMAGE:
                self._leave_behind(tried)
                self._settle(standing)
                raise
            except Fallen as fallen:
                tried.append((standing, fallen))
                standing = self._below(standing.rung, fallen)
            else:
                self._leave_behind(tried)
                self._settle(standing)
                return Looked(found, standing.detector, started - begun)
        return self._when_all_failed(tried, images, templates)

    def take(self, better: Standing) -> None:
        """Between two batches, on the batcher's thread: go on with this one."""
        left = self._standing
        if better.rung not in self.better():
            better.close()
            return
        self.figures.climbs[better.rung.name] += 1
        hops.log_climb(left.rung.name if left else "", better.rung.name)
        self._settle(better)
        if left is not None:
            left.close()

    def bring_up(self, rung: Rung) -> Standing:
        """On any thread; nothing is changed. Raises Fallen."""
        deaths = self.record.begin(rung.name)
        try:
            if deaths >= DEATHS:
                text = f"{deaths} processes ended while they brought it up"
                raise Fallen.of(TriedToDeath(text), Stage.LOAD)
            with falling(Stage.LOAD):
                identity = self.workshop.identity(rung)
            if rung.on_card and not self.record.is_good(rung.name, identity):
                try_apart(rung, self.workshop)
            opened = self.workshop.bring_up(rung)
            return Standing(rung, opened.detector, opened.source, identity)
        finally:
            self.record.end(rung.name)

    def recheck(self) -> Callable[[], None] | None:
        """What the batcher's thread is to do, as what runs may not run any more; None
        while it may. On any thread.
        """
        standing = self._standing
        if standing is None:
            return None
        try:
            self.workshop.recheck(standing.source)
        except (StoreError, ManifestError) as error:
            return partial(self._give_up, standing, Fallen.of(error, Stage.TRAFFIC))
        return None

    def retried(self, rung: Rung, fallen: Fallen) -> None:
        """A better rung was tried again in vain, on another thread."""
        failure = fallen.failure(rung.name, self.record.clock())
        self.record.failed(failure, again=True)
        self.figures.retries[rung.name] += 1
        hops.log_retry(failure)
        standing = self._standing
        if fallen.lost and standing is not None and standing.rung.on_card:
            self._leave(EXIT_CODE)

    def hung(self) -> None:
        """The watchdog gives up on the step that is under way."""
        step = self.steps.current
        if step is not None:
            reason = Reason.RUNTIME if step.stage is Stage.TRAFFIC else Reason.LOAD
            text = f"it did not come back for {step.seconds():.0f} s"
            at = self.record.clock()
            failure = Failure(step.rung, reason, step.stage, "hung", text, at)
            self.record.failed(failure)
            hops.log_hop(failure, "")

    def close(self) -> None:
        """After the batcher's thread has ended."""
        if self._standing is not None:
            self._standing.close()

    def _look(
        self,
        standing: Standing,
        images: Sequence[Image],
        templates: Sequence[Image] | None,
    ) -> list[Detections]:
        """Raises Fallen, or what is the image's fault."""
        with self.steps.within(standing.rung.name, Stage.TRAFFIC):
            try:
                return standing.detector.infer(images, templates)
            except _OF_THE_IMAGE:
                raise
            except Exception as error:  # whatever a runtime raises
                fallen = Fallen.of(error, Stage.TRAFFIC)
        if fallen.lost:
            self._lose(standing.rung, fallen)
        if fallen.reason is Reason.OOM:  # the next one may need the room
            standing.close()
        raise fallen

    def _below(self, rung: Rung, fallen: Fallen) -> Standing | None:
        log.warning("%s failed, trying what is below: %s", rung.name, fallen)
        return self._first_of(self.rungs[self.rungs.index(rung) + 1 :])

    def _first_of(self, rungs: Sequence[Rung]) -> Standing | None:
        """The first that comes up; those that have failed are tried last, as photos
        wait meanwhile: the climber tries them beside the traffic.
        """
        for rung in sorted(rungs, key=lambda one: bool(self.record.failure(one.name))):
            try:
                with self.steps.within(rung.name, Stage.LOAD):
                    return self.bring_up(rung)
            except Fallen as fallen:
                self._could_not(rung, fallen)
        return None

    def _could_not(self, rung: Rung, fallen: Fallen) -> None:
        """Record it, or forget a rung that is not on this machine."""
        if fallen.lost:
            self._lose(rung, fallen)
        elif isinstance(fallen.error, _ABSENT) and not rung.required:
            log.info("no %s here: %s", rung.name, fallen)
            self.rungs.remove(rung)
        else:
            self._fail(rung, fallen)

    def _fail(self, rung: Rung, fallen: Fallen) -> None:
        failure = fallen.failure(rung.name, self.record.clock())
        self.record.failed(failure)
        self._fell.append(failure)

    def _give_up(self, standing: Standing, fallen: Fallen) -> None:
        """Between two batches: go on below."""
        if standing is self._standing:
            below = self._below(standing.rung, fallen)
            self._leave_behind([(standing, fallen)])
            self._settle(below)

    def _leave_behind(self, tried: Sequence[tuple[Standing, Fallen]]) -> None:
        for standing, fallen in tried:
            self._fail(standing.rung, fallen)
            standing.close()

    def _settle(self, to: Standing | None) -> None:
        """Go on with `to`, and say what changed."""
        if to is self._standing and not self._fell:
            return
        self._standing = to
        if to is not None:
            self.record.holds(to.rung.name, to.identity)
            below = self.rungs[self.rungs.index(to.rung) + 1 :]
            self.record.forget(rung.name for rung in below)
        self.figures.place = self.rungs.index(to.rung) if to else -1
        self._say_what_fell(to.rung.name if to else "")
        self._tell(self.situation)

    def _say_what_fell(self, to: str) -> None:
        """One line for each rung that was left; those below `to` were only tried."""
        fell, self._fell = self._fell, []
        better = {rung.name for rung in self.better()}
        for failure in fell:
            if failure.rung in better:
                self.figures.hops[failure.rung, failure.reason] += 1
                hops.log_hop(failure, to)
        self.changed.set()

    def _when_all_failed(
        self,
        tried: Sequence[tuple[Standing, Fallen]],
        images: Sequence[Image],
        templates: Sequence[Image] | None,
    ) -> Looked:
        """When a rung is right on the golden picture, these images are to blame: it
        goes on. Else each is brought up once more before it is given up.
        """
        error = tried[0][1].error or tried[0][1]
        for place, (standing, _) in enumerate(tried):
            if self._is_right(standing):
                for lower, _ in tried[place + 1 :]:
                    lower.close()
                self._leave_behind(tried[:place])
                self._settle(standing)
                raise error
        again = self._once_more(tried)
        self._settle(again)
        if again is None:
            raise self._nothing_holds() from error
        try:
            return Looked(self._look(again, images, templates), again.detector)
        except Fallen:
            raise error from None

    def _once_more(self, tried: Sequence[tuple[Standing, Fallen]]) -> Standing | None:
        for standing, fallen in tried:
            standing.close()
            try:
                with self.steps.within(standing.rung.name, Stage.LOAD):
                    return self.bring_up(standing.rung)
            except Fallen:  # why it failed in traffic says more
                self._fail(standing.rung, fallen)
        return None

    def _is_right(self, standing: Standing) -> bool:
        if standing.closed:
            return False
        with self.steps.within(standing.rung.name, Stage.TRAFFIC):
            try:
                self.workshop.check(standing.detector)
            except Exception as error:  # whatever it raises, it is not right
                log.warning("%s is not right: %s", standing.rung.name, error)
                return False
        return True

    def _lose(self, rung: Rung, fallen: Fallen) -> None:
        """The card is gone for this process: another one begins on the next rung."""
        self._fail(rung, fallen)
        hops.log_hop(self._fell[-1], "")
        self._leave(EXIT_CODE)

    def _nothing_holds(self) -> NoRung:
        failures = [self.record.failure(rung.name) for rung in self.rungs]
        told = [f"{one.rung}: {one.reason} {one.message}" for one in failures if one]
        return NoRung("no backend can look at photos now", lines=told)
