"""Bring rungs up until one holds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from inference_worker.engine.errors import (
    BackendUnavailable,
    BackendUnknown,
    EngineMissing,
)
from inference_worker.ladder.errors import TriedToDeath
from inference_worker.ladder.falls import Falls
from inference_worker.ladder.reasons import Fallen, Stage, falling
from inference_worker.ladder.record import DEATHS
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.standing import Standing, Steps
from inference_worker.ladder.trial import try_apart
from inference_worker.ladder.workshop import Workshop

log = logging.getLogger(__name__)

# What a rung that nobody asked for by name may raise without anybody being told. By
# code, as the error itself does not come back from the process that tried it apart.
_ABSENT = {one.code for one in (BackendUnavailable, BackendUnknown, EngineMissing)}


@dataclass
class Raiser:
    """`rungs` are the ladder's: those that are not on this machine are taken out."""

    rungs: list[Rung]
    workshop: Workshop
    falls: Falls
    steps: Steps

    def bring_up(self, rung: Rung) -> Standing:
        """On any thread; nothing is changed. Raises Fallen."""
        record = self.falls.record
        deaths = record.begin(rung.name)
        try:
            if deaths >= DEATHS:
                text = f"{deaths} processes ended while they brought it up"
                raise Fallen.of(TriedToDeath(text), Stage.LOAD)
            with falling(Stage.LOAD):
                identity = self.workshop.identity(rung)
            if rung.on_card and not record.is_good(rung.name, identity):
                try_apart(rung, self.workshop)
            opened = self.workshop.bring_up(rung)
            about = (opened.detector, opened.source, identity, record.clock())
            return Standing(rung, *about)
        finally:
            record.end(rung.name)

    def first_of(self, rungs: Sequence[Rung]) -> Standing | None:
        """The first that comes up; those that have failed are tried last, as photos
        wait meanwhile: the climber tries them beside the traffic.
        """
        record = self.falls.record
        for rung in sorted(rungs, key=lambda one: bool(record.failure(one.name))):
            try:
                return self._awaited(rung)
            except Fallen as fallen:
                self.could_not(rung, fallen)
        return None

    def soonest_of(self, rungs: Sequence[Rung]) -> Standing | None:
        """The first that needs no card, as it is up in a second or two: the climber
        tries the others beside the traffic. Where none holds, or has not failed before,
        as `first_of`.
        """
        known = self.falls.record.failure
        soon = [one for one in rungs if not one.on_card and not known(one.name)]
        standing = self.first_of(soon)
        if standing is not None:
            return standing
        others = [one for one in self.rungs if one not in soon]
        if soon and others:
            log.warning("nothing holds without a card: photos wait for what needs one")
        return self.first_of(others)

    def below(self, rung: Rung, fallen: Fallen) -> Standing | None:
        log.warning("%s failed, trying what is below: %s", rung.name, fallen)
        return self.first_of(self.rungs[self.rungs.index(rung) + 1 :])

    def once_more(self, tried: Sequence[tuple[Standing, Fallen]]) -> Standing | None:
        """The first of those that fell in traffic that can be brought up again."""
        for standing, fallen in tried:
            standing.close()
            try:
                return self._awaited(standing.rung)
            except Fallen:  # why it failed in traffic says more
                self.falls.add(standing.rung, fallen)
        return None

    def could_not(self, rung: Rung, fallen: Fallen) -> None:
        """It was tried for the first time: record that, or forget a rung that is not on
        this machine.
        """
        if fallen.lost:
            self.falls.lose(rung, fallen)
        elif fallen.code in _ABSENT and not rung.required:
            log.info("no %s here: %s", rung.name, fallen)
            self.rungs.remove(rung)
        else:
            self.falls.add(rung, fallen)

    def _awaited(self, rung: Rung) -> Standing:
        """While photos wait for it. Raises Fallen."""
        with self.steps.within(rung.name, Stage.LOAD):
            return self.bring_up(rung)
