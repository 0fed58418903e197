"""Write down what was seen, or that nothing could be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from traceability.catalog.models import DefectClass
from traceability.inspection.models import (
    Defect,
    Image,
    Inspection,
    InspectionState,
    ModelVersion,
)
from traceability.inspection.results import Box, Detector, InspectionResult
from traceability.jobs import services as jobs
from traceability.jobs.models import Job, JobState
from traceability.lib.wakeup import wake
from traceability.outbox.services import emit_all


def record(results: Sequence[InspectionResult]) -> set[UUID]:
    """Write finished inspections in one transaction; returns the jobs of those.

    Only results whose job is still the caller's are written: a worker that was slow
    enough to lose its lease must not overwrite or double what another one found.
    """
    with transaction.atomic():
        mine = jobs.succeed(result.job for result in results)
        kept = [result for result in results if result.job.id in mine]
        _write_results(kept)
        _tell(kept)
        finished = [_inspection_id(result.job) for result in kept]
        transaction.on_commit(lambda: wake(finished))
    return mine


def _write_results(results: list[InspectionResult]) -> None:
    now = timezone.now()
    sizes = dict(
        Image.objects.filter(
            inspections__in=[_inspection_id(result.job) for result in results]
        ).values_list("inspections", "pk")
    )
    images = Image.objects.in_bulk(sizes.values())
    defects: list[Defect] = []
    for result in results:
        inspection_id = _inspection_id(result.job)
        Inspection.objects.filter(pk=inspection_id).update(
            state=InspectionState.DONE,
            model_version=_model_version(result.detector),
            backend=result.detector.backend,
            precision=result.detector.precision,
            attempt=result.job.attempts,
            timings_ms=result.timings_ms,
            defective=bool(result.boxes),
            finished_at=now,
        )
        image = images[sizes[inspection_id]]
        defects += [_defect(inspection_id, box, image) for box in result.boxes]
    Defect.objects.bulk_create(defects)


def _defect(inspection_id: UUID, box: Box, image: Image) -> Defect:
    return Defect(
        inspection_id=inspection_id,
        defect_class=_defect_class(box.defect_class),
        score=box.score,
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        relative_x=box.x / image.width,
        relative_y=box.y / image.height,
        relative_width=box.width / image.width,
        relative_height=box.height / image.height,
    )


def _tell(results: list[InspectionResult]) -> None:
    """One event per finished inspection, in the order of the results."""
    ids = [_inspection_id(result.job) for result in results]
    found = Inspection.objects.select_related("image__station").in_bulk(ids)
    emit_all(
        _event("inspection.finished", found[pk], result.boxes)
        for pk, result in zip(ids, results, strict=True)
    )


def _event(
    kind: str, inspection: Inspection, boxes: Iterable[Box] = ()
) -> tuple[str, str, dict[str, object]]:
    """An event of the inspection's station, in whose order consumers get them."""
    image = inspection.image
    about = {
        "inspection": str(inspection.pk),
        "trace_id": inspection.trace_id,
        "line": image.station.line_id,
        "station": image.station_id,
        "unit": image.unit_id,
        "captured_at": image.captured_at.isoformat(),
        "classes": sorted({box.defect_class for box in boxes}),
    }
    return kind, f"station:{image.station_id}", about


def record_failure(
    job: Job, code: str, message: str, *, final: bool = False
) -> JobState:
    """Give the job another attempt, or mark its inspection failed when that was all."""
    with transaction.atomic():
        state = jobs.fail(job, code, message, final=final)
        if state != JobState.PENDING:
            mark_failed(job, code, message)
    return state


def mark_failed(job: Job, code: str, message: str) -> None:
    """The inspection of a job that has ended for good without a result."""
    inspection_id = _inspection_id(job)
    pending = Inspection.objects.filter(
        pk=inspection_id, state=InspectionState.PENDING
    ).update(
        state=InspectionState.FAILED,
        error_code=code,
        error_message=message[:500],
        attempt=job.attempts,
        finished_at=timezone.now(),
    )
    if pending:
        found = Inspection.objects.select_related("image__station").get(
            pk=inspection_id
        )
        emit_all([_event("inspection.failed", found)])
        transaction.on_commit(lambda: wake([inspection_id]))


def _inspection_id(job: Job) -> UUID:
    return UUID(job.arguments["inspection"])


def _model_version(detector: Detector) -> ModelVersion:
    found, _ = ModelVersion.objects.get_or_create(
        model=detector.model,
        version=detector.version,
        defaults={
            "classes": list(detector.classes),
            "wants_template": detector.wants_template,
            "first_used_at": timezone.now(),
        },
    )
    return found


def _defect_class(code: str) -> DefectClass:
    found, _ = DefectClass.objects.get_or_create(code=code)
    return found
