"""What became of rungs that did not hold: recorded, counted, logged, and told."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable

from inference_worker.health import EXIT_CODE
from inference_worker.ladder import hops
from inference_worker.ladder.errors import Hung, NoRung
from inference_worker.ladder.hops import Figures
from inference_worker.ladder.reasons import Failure, Fallen, Reason, Stage
from inference_worker.ladder.record import Record
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.standing import Standing, Step


class Falls:
    """`leave` ends the process, which cannot be saved when its card is lost. `changed`
    is set when a rung has failed.
    """

    def __init__(
        self, record: Record, leave: Callable[[int], object] = os._exit
    ) -> None:
        self.record, self.figures = record, Figures()
        self.changed = threading.Event()
        self._end = leave
        self._untold: list[Failure] = []

    @property
    def untold(self) -> bool:
        """Whether something fell since `tell`."""
        return bool(self._untold)

    def add(self, rung: Rung, fallen: Fallen) -> Failure:
        failure = fallen.failure(rung.name, self.record.clock())
        self.record.failed(failure)
        self._untold.append(failure)
        return failure

    def leave(self, tried: Iterable[tuple[Standing, Fallen]]) -> None:
        """Those that did not hold, which are closed."""
        for standing, fallen in tried:
            self.add(standing.rung, fallen)
            standing.close()

    def lose(self, rung: Rung, fallen: Fallen) -> None:
        """The card is gone for this process: another one begins on the next rung."""
        hops.log_hop(self.add(rung, fallen), "")
        self._end(EXIT_CODE)

    def tell(self, to: str, better: Collection[str]) -> None:
        """One line for each rung that was left; those below `to` were only tried."""
        fell, self._untold = self._untold, []
        for failure in fell:
            if failure.rung in better:
                self.figures.hops[failure.rung, failure.reason] += 1
                hops.log_hop(failure, to)
        self.changed.set()

    def renewed(self, rung: Rung, fallen: Fallen) -> None:
        """It was left for itself, brought up anew: nobody stands lower for it."""
        failure = fallen.failure(rung.name, self.record.clock())
        self.figures.hops[failure.rung, failure.reason] += 1
        hops.log_hop(failure, rung.name)

    def retried(self, rung: Rung, fallen: Fallen, *, card_in_use: bool) -> bool:
        """It was tried again in vain, beside the traffic; with a card that is lost and
        in use there too, the process ends. Whether this says more than why it was left:
        it hung.
        """
        failure = fallen.failure(rung.name, self.record.clock())
        hung = isinstance(fallen.error, Hung)
        self.record.failed(failure, again=not hung)
        self.figures.retries[rung.name] += 1
        hops.log_retry(failure)
        if fallen.lost and card_in_use:
            self._end(EXIT_CODE)
        return hung

    def hung(self, step: Step) -> None:
        """The watchdog gives up on it, and ends the process next."""
        reason = Reason.RUNTIME if step.stage is Stage.TRAFFIC else Reason.LOAD
        text = f"it did not come back for {step.seconds():.0f} s"
        at = self.record.clock()
        failure = Failure(step.rung, reason, step.stage, "hung", text, at)
        self.record.failed(failure)
        hops.log_hop(failure, "")

    def nothing_holds(self, rungs: Iterable[Rung]) -> NoRung:
        failures = [self.record.failure(rung.name) for rung in rungs]
        told = [f"{one.rung}: {one.reason} {one.message}" for one in failures if one]
        return NoRung("no backend can look at photos now", lines=told)
