"""A line with a few inspected units, written through the house's own services."""

from __future__ import annotations

import datetime as dt

import pytest

START = dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC)


@pytest.fixture
def site(db):
    from traceability.catalog.models import Site

    return Site.objects.create(code="S1", name="Plant one")


@pytest.fixture
def push(site):
    """Push rows as the MES would; fails on any rejected row."""
    from traceability.ingest.bulk import upsert
    from traceability.ingest.resources import RESOURCES

    def push_rows(resource, rows):
        answer = upsert(RESOURCES[resource], site, rows)
        assert not answer["counts"]["rejected"], answer["results"]

    return push_rows


@pytest.fixture
def line(site, push):
    from traceability.catalog.models import Line

    push("lines", [{"code": "L1"}, {"code": "L2"}])
    push("operations", [{"code": "ETCH", "sequence": 1}])
    push("stations", [{"code": "A1", "line": "L1"}, {"code": "A2", "line": "L2"}])
    push("products", [{"code": "P1"}])
    push("equipment", [{"code": "E1", "operation": "ETCH"}])
    push("parameters", [{"operation": "ETCH", "code": "temp"}])
    push("materials", [{"code": "FILM"}])
    push("material-lots", [{"material": "FILM", "number": "F1", "supplier": "SUP"}])
    return Line.objects.get(site=site, code="L1")


@pytest.fixture
def look(site):
    """Record one finished inspection: `look(serial, minute, classes, station)`."""
    from django.utils import timezone

    from traceability.catalog.models import Station
    from traceability.inspection.models import Image, Inspection
    from traceability.inspection.recording import record
    from traceability.inspection.results import Box, Detector, InspectionResult
    from traceability.jobs.models import Job
    from traceability.jobs.services import claim, enqueue
    from traceability.production.models import Unit

    detector = Detector("m", "1", "openvino", "f32", ("open", "short"))

    def inspect(serial, minute=0, classes=(), station="A1"):
        known = {"registered": False, "received_at": timezone.now()}
        unit, _ = Unit.objects.get_or_create(site=site, serial=serial, defaults=known)
        image = Image.objects.create(
            site=site,
            unit=unit,
            station=Station.objects.get(site=site, code=station),
            captured_at=START + dt.timedelta(minutes=minute),
            received_at=timezone.now(),
            file="x",
            media_type="image/jpeg",
            sha256="0" * 64,
            width=200,
            height=100,
            size=1,
        )
        inspection = Inspection.objects.create(image=image, created_at=timezone.now())
        arguments = {"inspection": str(inspection.pk)}
        job = enqueue("inference_worker.inspect", arguments, queue="inspect")
        boxes = tuple(Box(name, 0.9, 20, 10, 40, 30) for name in classes)
        claimed = claim(job.pk, "test")
        assert isinstance(claimed, Job)
        assert (
            len(record([InspectionResult(claimed, inspection, detector, boxes)])) == 1
        )
        inspection.refresh_from_db()
        return inspection

    return inspect


@pytest.fixture
def produce(line, look, push):
    """Make and look at units: `produce(first, last)`; machine E2 is bad on every other.

    Each has a reading, a lot and a batch; one unit in fifty is bad for no reason.
    """
    push("equipment", [{"code": "E2", "operation": "ETCH"}])
    push("batches", [{"number": "批次-1", "product": "P1"}])

    def make(first, last):
        numbers = range(first, last)
        push("units", [{"serial": f"U{n}", "batch": "批次-1"} for n in numbers])
        push("operation-runs", [_run(n) for n in numbers])
        used = {"operation": "ETCH", "material": "FILM", "lot": "F1"}
        push("consumptions", [{"unit": f"U{n}", **used} for n in numbers])
        for n in numbers:
            bad = n % 8 == 0 or n % 50 == 7
            look(f"U{n}", minute=n, classes=["open"] if bad else [])

    return make


def _run(n):
    at = (START + dt.timedelta(minutes=n)).isoformat()
    machine = "E2" if n % 4 == 0 else "E1"
    readings = {"temp": 48 + (n * 37 % 100) / 30}
    run = {"unit": f"U{n}", "operation": "ETCH", "equipment": machine}
    return {**run, "started_at": at, "ended_at": at, "readings": readings}
