"""From records to a stored analysis, also when there is hardly anything to analyse."""

from __future__ import annotations

import pytest
from django.utils import timezone

from analytics.runs import analyse_line
from tests.attribution.conftest import START
from traceability.attribution import wording
from traceability.attribution.models import Cause, Evidence, Problem
from traceability.outbox.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def since_the_photos(settings):
    settings.ANALYSIS_WINDOW_DAYS = (timezone.now() - START).days + 1


def test_a_line_without_photos_has_too_little_data(line):
    run = analyse_line(line)
    assert (run.state, run.units) == ("too_little_data", 0)
    assert Event.objects.filter(kind="analysis.finished").count() == 1


@pytest.mark.parametrize("units", [1, 5, 60])
def test_a_line_of_which_only_photos_are_known_is_analysed(line, look, units):
    for number in range(units):
        look(f"U{number}", minute=number, classes=["open"] if number % 9 == 0 else [])
    run = analyse_line(line)
    assert run.units == units
    assert (run.state == "too_little_data") == (units < 30)


def test_a_bad_machine_is_found_stored_and_drawn(line, look, push):
    push("equipment", [{"code": "E2", "operation": "ETCH"}])
    for number in range(240):
        push("units", [{"serial": f"U{number}", "product": "P1", "line": "L1"}])
        machine = "E2" if number % 4 == 0 else "E1"
        at = START.replace(hour=number // 60, minute=number % 60).isoformat()
        run = {"unit": f"U{number}", "operation": "ETCH", "equipment": machine}
        push("operation-runs", [{**run, "started_at": at, "ended_at": at}])
        bad = machine == "E2" and number % 8 == 0 or number % 50 == 7
        look(f"U{number}", minute=number, classes=["open"] if bad else [])
    stored = analyse_line(line)
    problem = Problem.objects.get(run=stored)
    assert problem.defect_class.code == "open"
    first = Cause.objects.filter(problem=problem).order_by("chronic", "rank").first()
    assert (first.kind, first.level) == ("equipment", "E2")
    assert first.confidence > 0.8
    assert Evidence.objects.get(cause=first).frame["columns"]
    assert problem.overview["detection"]["arl"] == pytest.approx(1000, rel=0.01)
    assert analyse_line(line).result_sha256 == stored.result_sha256


def test_statements_keep_the_names_that_people_know(line, look, push, produce):
    push("operations", [{"code": "ETCH", "name": "Etching", "sequence": 1}])
    produce(0, 240)
    analyse_line(line)
    named = Cause.objects.get(problem__defect_class__code="open", rank=1)
    assert named.statement["params"]["operation_name"] == "Etching"
    assert wording.heading(named).startswith("Machine E2 at Etching")


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_answer(
    line, produce, settings, dask_scheduler, caplog
):
    produce(0, 240)
    near = analyse_line(line)
    settings.ANALYSIS_DASK_SCHEDULER = dask_scheduler
    far = analyse_line(line)
    assert (far.input_sha256, far.result_sha256) == (
        near.input_sha256,
        near.result_sha256,
    )
    assert "without the cluster" not in caplog.text


def test_without_its_dask_cluster_a_line_is_analysed_all_the_same(
    line, produce, settings, monkeypatch, caplog
):
    monkeypatch.setattr("analytics.cluster.PATIENCE", 1)
    settings.ANALYSIS_DASK_SCHEDULER = "tcp://127.0.0.1:9"
    produce(0, 60)
    assert analyse_line(line).state == "done"
    assert "analysed without the cluster: no Dask scheduler" in caplog.text
