"""The way of one inspection: claim, read, decode, look, write."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from inference_worker.batcher import Batcher, Seen
from inference_worker.engine.decode import decode
from inference_worker.engine.errors import EngineError, ImageError, TemplateError
from inference_worker.engine.types import Detections, Image
from inference_worker.gatherer import Gatherer
from inference_worker.lane import Lane
from inference_worker.leases import Leases
from inference_worker.ledger import Failure, Outcome, Refused, Taken, Ticket
from traceability.inspection.results import Box, Detector, InspectionResult
from traceability.jobs.models import Job

logger = logging.getLogger(__name__)

# Longer than anything waits on a working machine, shorter than the watchdog's limit.
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True)
class Desk:
    """Where tasks come to; thread-safe: one batcher, one writer, one who claims.

    `media` is the folder that images are named below.
    """

    detector: Detector
    media: Path
    leases: Leases
    batcher: Batcher
    claims: Gatherer[Ticket, Taken | Refused]
    writer: Gatherer[Outcome, None]
    lane: Lane = field(default_factory=Lane)

    def inspect(self, job_id: UUID) -> None:
        """Inspect the job's image if it can be claimed; returns when all is written.

        Never raises for a bad image: that is written down too.
        """
        with self.lane.shared():
            taken = self.claims.submit(Ticket(job_id)).result()
            if isinstance(taken, Taken):
                self._work(taken)
        if taken is Refused.TRIED_BEFORE:
            with self.lane.alone():
                taken = self.claims.submit(Ticket(job_id, alone=True)).result()
                if isinstance(taken, Taken):
                    self._work(taken)

    def close(self) -> None:
        """Finish what is at the desk."""
        self.claims.close()
        self.batcher.thread.close()
        self.writer.close()
        self.leases.close()

    def _work(self, taken: Taken) -> None:
        with self.leases.held(taken.job):
            what = self._outcome(taken)
            self.writer.submit(Outcome(what, time.monotonic())).result()

    def _outcome(self, taken: Taken) -> InspectionResult | Failure:
        job = taken.job
        try:
            return self._look(taken)
        except (ImageError, TemplateError) as error:
            return Failure(job, error.code, str(error), final=True)
        except EngineError as error:
            return Failure(job, error.code, str(error), final=False)
        except FileNotFoundError as error:
            return Failure(job, "image_missing", str(error), final=False)
        except TimeoutError:
            return Failure(job, "inference_timeout", "The detector was busy.", False)
        except Exception as error:  # a bug must not leave the job to its lease
            logger.exception("inspecting %s failed", job)
            return Failure(job, "inspection_failed", repr(error), final=False)

    def _look(self, taken: Taken) -> InspectionResult | Failure:
        if taken.inspection is None:
            text = "The inspection was deleted."
            return Failure(taken.job, "inspection_gone", text, final=True)
        begun = time.monotonic()
        image = self._read(taken.inspection.image.file)
        name = taken.inspection.image.template
        template = self._read(name) if name else None
        decoded = time.monotonic()
        seen = self._see(image, template)
        timings = {
            "queue": _queued_ms(taken.job),
            "decode": _ms(decoded - begun),
            "wait": _ms(seen.started - decoded),
            "infer": _ms(seen.ended - seen.started),
        }
        boxes = boxes_of(seen.detections, self.detector.classes)
        return InspectionResult(taken.job, self.detector, boxes, timings)

    def _see(self, image: Image, template: Image | None) -> Seen:
        future = self.batcher.submit(image, template)
        try:
            return future.result(DEADLINE_SECONDS)
        except TimeoutError:
            future.cancel()
            raise

    def _read(self, name: str) -> Image:
        return decode((self.media / name).read_bytes())


def boxes_of(detections: Detections, classes: tuple[str, ...]) -> tuple[Box, ...]:
    """Detections in the words of the application."""
    return tuple(
        Box(name, float(score), *map(float, box))
        for name, score, box in zip(
            detections.names(classes), detections.scores, detections.xywh(), strict=True
        )
    )


def _queued_ms(job: Job) -> float:
    """From when the job could have begun to when it did."""
    due: datetime = max(job.created_at, job.not_before)
    return _ms((job.started_at - due).total_seconds()) if job.started_at else 0.0


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
