"""The way of one inspection: claim, read, decode, look, write."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError

from inference_worker.batcher import Batcher
from inference_worker.engine.api import Detector as Loaded
from inference_worker.engine.decode import decode
from inference_worker.engine.errors import (
    EngineError,
    ImageError,
    TemplateError,
    TemplateMissing,
)
from inference_worker.engine.types import Detections, Image
from inference_worker.gatherer import Gatherer, Overloaded, Priority
from inference_worker.golden import GoldenShelf
from inference_worker.isolation import Apart, Aside
from inference_worker.ladder.climber import Climber
from inference_worker.ladder.errors import NoRung
from inference_worker.lane import Lane
from inference_worker.leases import Leases
from inference_worker.ledger import (
    Care,
    Delay,
    Failure,
    Outcome,
    Refused,
    Taken,
    Ticket,
    told,
)
from inference_worker.measures import Ended
from inference_worker.stations import optics_of
from inference_worker.telling import Teller
from traceability.inspection.models import Image as Subject
from traceability.inspection.models import Inspection, InspectionRole
from traceability.inspection.results import Box, Detector, InspectionResult
from traceability.jobs.models import Job
from traceability.lib.trace import tracing

logger = logging.getLogger(__name__)

# Longer than anything waits on a working machine, shorter than the watchdog's limit.
DEADLINE_SECONDS = 60.0
# Beyond the deadline: the batch that it was in may take as long as a backend's change.
PATIENCE_SECONDS = 120.0
# What is lost on the way to a backend that holds is told from here on.
FELT_SECONDS = 0.005
# Until a photo that nothing could look at is tried again.
NO_RUNG_SECONDS, BUSY_SECONDS = 15.0, 5.0

Sight = tuple[Detections, Detector, dict[str, float]]
"""What was seen, by what, and how long each stage took."""


@dataclass(frozen=True)
class Desk:
    """Where tasks come to; thread-safe: one batcher, one writer, one who claims.

    `media` is the folder that images are named below; `apart` looks at what may kill
    the process that does.
    """

    model: str
    apart: Aside
    media: Path
    leases: Leases
    batcher: Batcher
    climber: Climber
    teller: Teller
    claims: Gatherer[Ticket, Taken | Refused]
    writer: Gatherer[Outcome, Ended]
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
        self.climber.close()
        self.claims.close()
        self.batcher.close()
        self.teller.close()
        self.writer.close()
        self.leases.close()

    def _work(self, taken: Taken, care: Care) -> None:
        with tracing(taken.trace_id), self.leases.held(taken.job):
            what = self._outcome(taken, care)
            try:
                self._write(what)
            except (OperationalError, InterfaceError):
                raise  # it is away: another attempt may find it
            except (DatabaseError, ValueError) as error:
                logger.exception("the result of %s was refused", taken.job)
                text = f"The database refused the result: {type(error).__name__}."
                self._write(Failure(taken.job, "result_refused", text, final=True))

    def _write(self, what: InspectionResult | Failure | Delay) -> None:
        ended = self.writer.submit(Outcome(what, time.monotonic())).result()
        logger.info("inspection.ended %s", told(what, ended))

    def _outcome(self, taken: Taken, care: Care) -> InspectionResult | Failure | Delay:
        job, inspection = taken.job, taken.inspection
        if inspection is None:
            text = "The inspection was deleted."
            return Failure(job, "inspection_gone", text, final=True)
        see = self._see_apart if care is Care.APART else self._see
        try:
            found, detector, timings = see(inspection)
        except (ImageError, TemplateError) as error:
            return Failure(job, error.code, str(error), final=True)
        except NoRung as error:
            return Delay(job, error.code, str(error), NO_RUNG_SECONDS)
        except EngineError as error:
            return Failure(job, error.code, str(error), final=False)
        except Apart as error:
            return Failure(job, error.code, str(error), final=error.final)
        except FileNotFoundError as error:
            return Failure(job, "image_missing", str(error), final=False)
        except (TimeoutError, Overloaded):
            text = "The detector was busy."
            return Delay(job, "inference_timeout", text, BUSY_SECONDS)
        except Exception as error:  # a bug must not leave the job to its lease
            logger.exception("inspecting %s failed", job)
            return Failure(job, "inspection_failed", repr(error), final=False)
        boxes = boxes_of(found, detector.classes)
        timings = {**inspection.timings_ms, "queue": _queued_ms(job), **timings}
        return InspectionResult(job, inspection, detector, boxes, timings)

    def _see(self, inspection: Inspection) -> Sight:
        """Decode here, let the batcher look; with the times that took."""
        subject, begun = inspection.image, time.monotonic()
        name = self._template_of(subject)
        image, optics = self._read(subject.file), optics_of(subject.optics)
        if optics is not None:
            optics.check(image)
        template = self.shelf.template(self.media / name, image) if name else None
        decoded = time.monotonic()
        live = inspection.role == InspectionRole.LIVE
        future = self.batcher.submit(
            image,
            template,
            optics,
            priority=Priority.FIRST if live else Priority.LATER,
            deadline=decoded + DEADLINE_SECONDS,
        )
        seen = future.result(DEADLINE_SECONDS + PATIENCE_SECONDS)
        timings = {
            "decode": _ms(decoded - begun),
            "wait": _ms(seen.started - decoded),
            "infer": _ms(seen.ended - seen.started - seen.lost_seconds),
        }
        if seen.lost_seconds > FELT_SECONDS:
            timings["hop"] = _ms(seen.lost_seconds)
        return seen.detections, about(seen.detector), timings

    def _see_apart(self, inspection: Inspection) -> Sight:
        """Let another process do it, which may die of it."""
        subject, begun = inspection.image, time.monotonic()
        name = self._template_of(subject)
        template = self.media / name if name else None
        optics = optics_of(subject.optics)
        found, detector = self.apart.look(self.media / subject.file, template, optics)
        waited = {"decode": 0.0, "wait": 0.0}
        timings = {**waited, "infer": _ms(time.monotonic() - begun)}
        return found, detector, timings

    def _template_of(self, subject: Subject) -> str | None:
        """The file to compare with, None for a model that does not compare.

        Raises TemplateMissing.
        """
        if not self.batcher.wants_templates:
            return None
        if not subject.template:
            raise TemplateMissing(_no_template(subject, self.model))
        return subject.template

    def _read(self, name: str) -> Image:
        return decode((self.media / name).read_bytes(), self.batcher.room)


def about(detector: Loaded) -> Detector:
    """What is recorded of a detector with every inspection that it made."""
    return Detector(
        model=detector.model,
        version=detector.version,
        backend=detector.backend,
        precision=detector.precision,
        classes=detector.classes,
        wants_template=detector.wants_templates,
    )


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
