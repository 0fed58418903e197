"""Write down what was seen, or that nothing could be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from traceability.catalog.models import DefectClass
from traceability.inspection.models import (
    Defect,
    Inspection,
    InspectionState,
    ModelVersion,
)
from traceability.inspection.results import Box, Detector, InspectionResult
from traceability.jobs import services as jobs
from traceability.jobs.models import Job, JobState
from traceability.lib.statements import Statement, insertion, run_all, update
from traceability.lib.wakeup import wake
from traceability.outbox.services import Emission, emit_all


def record(results: Sequence[InspectionResult]) -> set[UUID]:
    """Write finished inspections in one transaction; returns the jobs of those.

    Only results whose job is still the caller's are written: a worker that was slow
    enough to lose its lease must not overwrite or double what another one found.
    """
    # All that can be is done first: nobody who wants to write has to wait for that.
    versions = _model_versions({result.detector for result in results})
    classes = _defect_classes(
        {box.defect_class for result in results for box in result.boxes}
    )
    success = jobs.success(result.job for result in results)
    ends = {
        result.job.id: _end(result, versions[result.detector]) for result in results
    }
    about = _about(results, classes)
    with transaction.atomic():
        mine = success.write()
        # An inspection may have been deleted since it was claimed.
        written = [
            result
            for result in results
            if result.job.id in mine and ends[result.job.id].run()
        ]
        finished = [result.inspection.pk for result in written]
        # Before all other wake-up calls, none of which it may prevent.
        transaction.on_commit(lambda: wake(finished), robust=True)
        defects, events = (
            about if len(written) == len(results) else _about(written, classes)
        )
        run_all(defects)
        events.write()
    return mine


def _end(result: InspectionResult, version: int) -> Statement:
    return update(
        Inspection.objects.filter(pk=result.inspection.pk),
        state=InspectionState.DONE,
        model_version=version,
        backend=result.detector.backend,
        precision=result.detector.precision,
        attempt=result.job.attempts,
        timings_ms=result.timings_ms,
        defective=bool(result.boxes),
        finished_at=timezone.now(),
    )


def _about(
    results: Sequence[InspectionResult], classes: Mapping[str, DefectClass]
) -> tuple[list[Statement], Emission]:
    """The defects that were seen, and the events that tell of it."""
    defects = [
        _defect(result.inspection, box, classes[box.defect_class])
        for result in results
        for box in result.boxes
    ]
    events = [
        _event("inspection.finished", result.inspection, result.boxes)
        for result in results
    ]
    return insertion(defects), Emission(events)


def _defect(inspection: Inspection, box: Box, defect_class: DefectClass) -> Defect:
    image = inspection.image
    return Defect(
        inspection=inspection,
        defect_class=defect_class,
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


def _event(
    kind: str, inspection: Inspection, boxes: Sequence[Box] = ()
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
        transaction.on_commit(lambda: wake([inspection_id]))
        emit_all([_event("inspection.failed", found)])


def _inspection_id(job: Job) -> UUID:
    return UUID(job.arguments["inspection"])


def _model_versions(detectors: Iterable[Detector]) -> dict[Detector, int]:
    """The ids of their rows, new ones made."""
    return {detector: _model_version(detector) for detector in detectors}


def _model_version(detector: Detector) -> int:
    named = {"model": detector.model, "version": detector.version}
    found = ModelVersion.objects.filter(**named).values_list("pk", flat=True)
    for pk in found:  # most often; without an object there is less to make
        return pk
    made, _ = ModelVersion.objects.get_or_create(
        **named,
        defaults={
            "classes": list(detector.classes),
            "wants_template": detector.wants_template,
            "first_used_at": timezone.now(),
        },
    )
    return made.pk


def _defect_classes(codes: set[str]) -> dict[str, DefectClass]:
    """Those classes by code, new ones made."""
    if not codes:
        return {}
    found = {one.code: one for one in DefectClass.objects.filter(code__in=codes)}
    for code in sorted(codes - found.keys()):
        found[code], _ = DefectClass.objects.get_or_create(code=code)
    return found
