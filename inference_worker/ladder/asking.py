"""Ask a rung in traffic: whatever it raises is its fall, or the image's own fault."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from inference_worker.engine.api import Detector
from inference_worker.engine.errors import ImageError, TemplateError
from inference_worker.engine.types import Detections
from inference_worker.ladder.falls import Falls
from inference_worker.ladder.reasons import Fallen, Reason, Stage
from inference_worker.ladder.replicas import each_of
from inference_worker.ladder.standing import Standing, Steps
from inference_worker.ladder.workshop import Workshop

log = logging.getLogger(__name__)

Ask = Callable[[Detector], list[Detections]]
"""What is asked of a detector: to look at these images."""

OF_THE_IMAGE = (ImageError, TemplateError)
"""The image's own fault, whatever looks at it."""


@dataclass(frozen=True)
class Asker:
    """On the batcher's thread alone."""

    workshop: Workshop
    falls: Falls
    steps: Steps

    def look(self, standing: Standing, ask: Ask) -> list[Detections]:
        """Raises Fallen, or what is the image's fault."""
        with self.steps.within(standing.rung.name, Stage.TRAFFIC):
            try:
                return ask(standing.detector)
            except OF_THE_IMAGE:
                raise
            except Exception as error:  # whatever a runtime raises
                fallen = Fallen.of(error, Stage.TRAFFIC)
        if fallen.lost:
            self.falls.lose(standing.rung, fallen)
        if fallen.reason is Reason.OOM:  # the next one may need the room
            standing.close()
        raise fallen

    def right_one(self, tried: Sequence[tuple[Standing, Fallen]]) -> Standing | None:
        """Of those that all fell on the same images the best that is right on the
        golden picture: the images are to blame. Those above it fell, too; those below
        are closed.
        """
        for place, (standing, _) in enumerate(tried):
            if not standing.closed and self.golden_fall(standing) is None:
                for lower, _ in tried[place + 1 :]:
                    lower.close()
                self.falls.leave(tried[:place])
                return standing
        return None

    def golden_fall(self, standing: Standing) -> Fallen | None:
        """Why it is not right on the golden picture; None when it is."""
        with self.steps.within(standing.rung.name, Stage.TRAFFIC):
            try:
                for detector in each_of(standing.detector):
                    self.workshop.check(detector)
            except Exception as error:  # whatever it raises, it is not right
                log.warning("%s is not right: %s", standing.rung.name, error)
                fallen = Fallen.of(error, Stage.TRAFFIC)
            else:
                standing.proved_at = self.falls.record.clock()
                return None
        if fallen.lost:
            self.falls.lose(standing.rung, fallen)
        return fallen.also(f"it was last right at {_utc(standing.proved_at)}")


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
