"""A finished inspection: written once, told once, and it asks for an analysis."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from traceability.attribution.services import request_analysis
from traceability.inspection.models import Defect, Inspection
from traceability.inspection.recording import record, record_failure
from traceability.inspection.results import Box, Detector, InspectionResult
from traceability.jobs import services as jobs
from traceability.jobs.models import Job, JobState
from traceability.outbox.models import Event
from traceability.outbox.services import dispatch

pytestmark = pytest.mark.django_db


def test_a_result_is_written_with_boxes_in_pixels_and_shares(line, look):
    inspection = look("U1", classes=["open"])
    assert inspection.state == "done"
    assert inspection.defective is True
    assert str(inspection.model_version) == "m 1"
    defect = Defect.objects.get()
    assert (defect.x, defect.relative_x) == (20, 0.1)
    assert (defect.height, defect.relative_height) == (30, 0.3)


def test_many_boxes_take_no_more_queries_than_one(line, look):
    """A photo of thirty boxes was thirty questions for their two classes."""
    look("U0", classes=["open", "short"])

    def asked(serial, boxes):
        with CaptureQueriesContext(connection) as all_of_them:
            look(serial, classes=["open", "short"] * boxes)
        return len(all_of_them)

    assert asked("U1", boxes=15) == asked("U2", boxes=1)
    assert Defect.objects.count() == 2 + 30 + 2


def test_a_result_without_a_lease_is_dropped(line, look):
    inspection = look("U1")
    job = Job.objects.get()
    job.leased_by = "somebody else"
    late = InspectionResult(
        job, inspection, Detector("m", "2", "b", "p", ()), (Box("open", 1, 0, 0, 1, 1),)
    )
    assert record([late]) == set()
    inspection.refresh_from_db()
    assert inspection.defective is False
    assert not Defect.objects.exists()
    assert Event.objects.filter(kind="inspection.finished").count() == 1


def test_the_event_says_what_was_seen(line, look):
    inspection = look("U1", classes=["short", "open", "open"])
    event = Event.objects.get(kind="inspection.finished")
    assert event.payload["inspection"] == str(inspection.pk)
    assert event.payload["classes"] == ["open", "short"]
    assert event.payload["line"] == line.pk


def test_inspections_ask_for_one_analysis_after_a_pause(line, look, settings):
    look("U1")
    look("U2")
    while dispatch():
        pass
    job = Job.objects.get(task="analytics.analyse_line")
    pause = job.not_before - timezone.now()
    assert dt.timedelta(seconds=20) < pause <= dt.timedelta(seconds=30)


def test_the_next_analysis_waits_from_the_start_of_the_last(line, settings):
    first = request_analysis(line, at_once=True)
    assert jobs.claim(first.pk, "w") is not None
    second = request_analysis(line)
    assert second.pk != first.pk
    wait = (second.not_before - timezone.now()).total_seconds()
    assert 25 < wait <= settings.ANALYSIS_PAUSE_SECONDS
    assert request_analysis(line).pk == second.pk


def test_an_unreadable_photo_fails_its_inspection_for_good(line, look):
    inspection = look("U1")
    Inspection.objects.update(state="pending")
    Job.objects.update(state=JobState.PENDING, attempts=0)
    job = jobs.claim(Job.objects.get().pk, "w")
    assert record_failure(job, "image_unreadable", "bad", final=True) == JobState.FAILED
    inspection.refresh_from_db()
    assert (inspection.state, inspection.error_code) == ("failed", "image_unreadable")
    event = Event.objects.get(kind="inspection.failed")
    assert event.payload["inspection"] == str(inspection.pk)
    assert event.payload["classes"] == []


def test_a_result_of_what_was_deleted_meanwhile_ends_the_job_alone(line, look):
    inspection = look("U1")
    job, boxes = Job.objects.get(), (Box("open", 1, 0, 0, 1, 1),)
    Job.objects.update(state=JobState.RUNNING)
    Event.objects.all().delete()
    Inspection.objects.get(pk=inspection.pk).delete()
    detector = Detector("m", "2", "b", "p", ())
    assert record([InspectionResult(job, inspection, detector, boxes)]) == {job.pk}
    assert Job.objects.get().state == JobState.SUCCEEDED
    assert not Defect.objects.exists()
    assert not Event.objects.exists()


def test_of_two_results_the_one_whose_inspection_was_deleted_writes_nothing(line, look):
    kept, gone = look("U1"), look("U2")
    Job.objects.update(state=JobState.RUNNING)
    Event.objects.all().delete()
    boxes, detector = (Box("open", 1, 0, 0, 1, 1),), Detector("m", "2", "b", "p", ())
    results = [
        InspectionResult(
            job, {str(kept.pk): kept, str(gone.pk): gone}[of], detector, boxes
        )
        for job in Job.objects.order_by("created_at")
        if (of := job.arguments["inspection"])
    ]
    Inspection.objects.get(pk=gone.pk).delete()
    assert record(results) == {result.job.pk for result in results}
    assert Defect.objects.get().inspection_id == kept.pk
    assert Event.objects.get().payload["inspection"] == str(kept.pk)
