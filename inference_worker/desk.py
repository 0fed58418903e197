"""The way of one inspection: claim, read, decode, look, write."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError

from inference_worker import isolation
from inference_worker.batcher import Batcher
from inference_worker.engine.decode import decode
from inference_worker.engine.errors import (
    EngineError,
    ImageError,
    TemplateError,
    TemplateMissing,
)
from inference_worker.engine.types import Detections, Image
from inference_worker.gatherer import Gatherer
from inference_worker.golden import GoldenShelf
from inference_worker.isolation import Apart
from inference_worker.lane import Lane
from inference_worker.leases import Leases
from inference_worker.ledger import Care, Failure, Outcome, Refused, Taken, Ticket
from traceability.inspection.models import Image as Subject
from traceability.inspection.results import Box, Detector, InspectionResult
from traceability.jobs.models import Job

logger = logging.getLogger(__name__)

# Longer than anything waits on a working machine, shorter than the watchdog's limit.
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True)
class Desk:
    """Where tasks come to; thread-safe: one batcher, one writer, one who claims.

    `media` is the folder that images are named below, `data` that of the models.
    """

    detector: Detector
    data: Path
    media: Path
    leases: Leases
    batcher: Batcher
    claims: Gatherer[Ticket, Taken | Refused]
    writer: Gatherer[Outcome, None]
    lane: Lane = field(default_factory=Lane)
    shelf: GoldenShelf = field(default_factory=GoldenShelf)

    def inspect(self, job_id: UUID) -> None:
        """Inspect the job's image if it can be claimed; returns when all is written.

        Never raises for a bad image: that is written down too.
        """
        for care in Care:
            with self.lane.alone() if care is Care.ALONE else self.lane.shared():
                taken = self.claims.submit(Ticket(job_id, care)).result()
                if isinstance(taken, Taken):
                    self._work(taken, care)
                    return
            if taken is Refused.NOT_OURS:
                return

    def close(self) -> None:
        """Finish what is at the desk."""
        self.claims.close()
        self.batcher.thread.close()
        self.writer.close()
        self.leases.close()

    def _work(self, taken: Taken, care: Care) -> None:
        with self.leases.held(taken.job):
            what = self._outcome(taken, care)
            try:
                self._write(what)
            except (OperationalError, InterfaceError):
                raise  # it is away: another attempt may find it
            except (DatabaseError, ValueError) as error:
                logger.exception("the result of %s was refused", taken.job)
                text = f"The database refused the result: {type(error).__name__}."
                self._write(Failure(taken.job, "result_refused", text, final=True))

    def _write(self, what: InspectionResult | Failure) -> None:
        self.writer.submit(Outcome(what, time.monotonic())).result()

    def _outcome(self, taken: Taken, care: Care) -> InspectionResult | Failure:
        job, inspection = taken.job, taken.inspection
        if inspection is None:
            text = "The inspection was deleted."
            return Failure(job, "inspection_gone", text, final=True)
        see = self._see_apart if care is Care.APART else self._see
        try:
            found, timings = see(inspection.image)
        except (ImageError, TemplateError) as error:
            return Failure(job, error.code, str(error), final=True)
        except EngineError as error:
            return Failure(job, error.code, str(error), final=False)
        except Apart as error:
            return Failure(job, error.code, str(error), final=error.final)
        except FileNotFoundError as error:
            return Failure(job, "image_missing", str(error), final=False)
        except TimeoutError:
            return Failure(job, "inference_timeout", "The detector was busy.", False)
        except Exception as error:  # a bug must not leave the job to its lease
            logger.exception("inspecting %s failed", job)
            return Failure(job, "inspection_failed", repr(error), final=False)
        boxes = boxes_of(found, self.detector.classes)
        timings = {"queue": _queued_ms(job), **timings}
        return InspectionResult(job, self.detector, boxes, timings)

    def _see(self, subject: Subject) -> tuple[Detections, dict[str, float]]:
        """Decode here, let the batcher look; with the times that took."""
        begun = time.monotonic()
        name = self._template_of(subject)
        image = self._read(subject.file)
        template = self.shelf.template(self.media / name, image) if name else None
        decoded = time.monotonic()
        future = self.batcher.submit(image, template)
        try:
            seen = future.result(DEADLINE_SECONDS)
        except TimeoutError:
            future.cancel()
            raise
        return seen.detections, {
            "decode": _ms(decoded - begun),
            "wait": _ms(seen.started - decoded),
            "infer": _ms(seen.ended - seen.started),
        }

    def _see_apart(self, subject: Subject) -> tuple[Detections, dict[str, float]]:
        """Let another process do it, which may die of it."""
        begun = time.monotonic()
        name = self._template_of(subject)
        template = self.media / name if name else None
        found = isolation.look(
            self.detector, self.media / subject.file, template, self.data
        )
        waited = {"decode": 0.0, "wait": 0.0}
        return found, {**waited, "infer": _ms(time.monotonic() - begun)}

    def _template_of(self, subject: Subject) -> str | None:
        """The file to compare with, None for a model that does not compare.

        Raises TemplateMissing.
        """
        if not self.detector.wants_template:
            return None
        if not subject.template:
            raise TemplateMissing(_no_template(subject, self.detector.model))
        return subject.template

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


def _no_template(subject: Subject, model: str) -> str:
    """What is missing, and how to send it."""
    unit = subject.unit
    what = f"{model} compares with a golden template, and "
    how = "or with each photo as image_of_template: see docs/api.md."
    if unit.product is None:
        return (
            f"{what}unit {unit.serial} had no product to have one. Push units before "
            f"their photos, {how}"
        )
    return (
        f"{what}none was stored for product {unit.product.code} at station "
        f"{subject.station.code}. Send it to POST /api/v1/templates/, {how}"
    )


def _queued_ms(job: Job) -> float:
    """From when the job could have begun to when it did."""
    due: datetime = max(job.created_at, job.not_before)
    return _ms((job.started_at - due).total_seconds()) if job.started_at else 0.0


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
