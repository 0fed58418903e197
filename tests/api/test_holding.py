"""What is done while others wait to write: a photo's rows, and a result's."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.api.cameras import client_with, photo, upload
from traceability.accounts.models import Scope
from traceability.catalog.models import Line, Site, Station
from traceability.inspection.models import Inspection
from traceability.inspection.recording import record
from traceability.inspection.results import Box, Detector, InspectionResult
from traceability.jobs import services as jobs
from traceability.jobs.models import Job
from traceability.outbox.services import dispatch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def camera() -> APIClient:
    site = Site.objects.create(code="HZ1", name="HZ1")
    line = Line.objects.create(site=site, code="SMT-1", name="SMT-1")
    Station.objects.create(site=site, line=line, code="AOI-1", name="AOI-1")
    return client_with(site, Scope.UPLOAD)


def within_transactions(asked: CaptureQueriesContext) -> list[list[str]]:
    """The first word of each statement, with its table, transaction by transaction."""
    found: list[list[str]] = []
    open_now = False
    for query in asked.captured_queries:
        sql = query["sql"]
        if sql.startswith("BEGIN"):
            found, open_now = [*found, []], True
        elif sql.startswith(("COMMIT", "ROLLBACK")):
            open_now = False
        elif open_now:
            table = re.search(r'"(\w+?)"', sql)
            found[-1].append(f"{sql.split()[0]} {table and table[1]}")
    return found


def test_a_photo_is_written_without_a_question(camera: APIClient) -> None:
    upload(camera, photo(), serial="known")  # notes that the key was used
    with CaptureQueriesContext(connection) as asked:
        upload(camera, photo(), serial="new")
    assert within_transactions(asked) == [
        [
            "INSERT production_unit",
            "INSERT inspection_image",
            "INSERT inspection_inspection",
            "INSERT jobs_job",
        ]
    ]


def result(camera: APIClient, serial: str, *boxes: Box) -> InspectionResult:
    """Of a photo that was just sent, and claimed."""
    upload(camera, photo(), serial=serial)
    job = jobs.claim(Job.objects.get(state="pending", queue="inspect").pk, "w")
    assert job is not None
    about = Inspection.objects.select_related("image__station")
    inspection = about.get(pk=job.arguments["inspection"])
    detector = Detector("m", "1", "openvino", "f32", ("open",))
    return InspectionResult(job, inspection, detector, boxes, {})


def test_a_result_is_written_without_a_question(camera: APIClient) -> None:
    box = Box("open", 0.9, 1, 2, 3, 4)
    record([result(camera, "SN-1", box)])  # makes the model's version and the class
    second = result(camera, "SN-2", box)
    with CaptureQueriesContext(connection) as asked:
        record([second])
    assert within_transactions(asked) == [
        [
            "UPDATE jobs_job",
            "UPDATE inspection_inspection",
            "INSERT inspection_defect",
            "INSERT outbox_event",
        ]
    ]


def test_events_that_concern_nobody_are_claimed_and_settled_in_a_statement_each(
    camera: APIClient,
) -> None:
    record([result(camera, "SN-1")])
    dispatch()  # asks for an analysis, which waits from now on
    record([result(camera, "SN-2")])
    with CaptureQueriesContext(connection) as asked:
        assert dispatch() == 1
    if connection.vendor == "sqlite":
        assert within_transactions(asked) == [["UPDATE outbox_event"]]
    assert sum(one["sql"].startswith("UPDATE") for one in asked.captured_queries) == 2
