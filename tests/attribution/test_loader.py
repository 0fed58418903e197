"""What the analysis sees of the database."""

from __future__ import annotations

import datetime as dt

import pytest

from analytics.loaders import UNKNOWN, Window, load_line
from tests.attribution.conftest import START
from traceability.accounts.models import User
from traceability.inspection.services import give_verdict

pytestmark = pytest.mark.django_db
ALL = Window(START - dt.timedelta(days=1), START + dt.timedelta(days=1))
AT = START.isoformat()


@pytest.fixture
def factory(push, line):
    push("batches", [{"number": "B1", "product": "P1"}])
    push("units", [{"serial": "U1", "batch": "B1", "completed_at": AT}])
    run = {"unit": "U1", "operation": "ETCH", "equipment": "E1", "started_at": AT}
    push("operation-runs", [{**run, "readings": {"temp": 48.5}}])
    consumed = {"unit": "U1", "operation": "ETCH", "material": "FILM", "lot": "F1"}
    push("consumptions", [consumed])
    push("equipment-events", [{"equipment": "E1", "at": AT, "kind": "maintenance"}])
    return line


def test_a_unit_is_loaded_with_all_that_happened_to_it(factory, look):
    look("U1", classes=["open", "open"])
    bundle = load_line(factory, ALL)
    unit = bundle.units.iloc[0]
    assert (unit["unit"], unit["product"], unit["batch"]) == ("U1", "P1", "B1")
    assert unit["line"] == "L1"
    step = bundle.steps.iloc[0]
    assert (step["operation"], step["equipment"]) == ("ETCH", "E1")
    reading = bundle.readings.iloc[0]
    assert tuple(reading) == ("U1", "ETCH", "temp", 48.5)
    lot = bundle.lots.iloc[0]
    assert (lot["material"], lot["lot"], lot["supplier"]) == ("FILM", "F1", "SUP")
    assert list(bundle.equipment_events["kind"]) == ["maintenance"]
    assert len(bundle.defects) == 2
    assert list(bundle.defects["x"]) == [0.1, 0.1]
    assert list(bundle.defects["width"]) == [0.2, 0.2]


def test_only_units_seen_on_the_line_in_the_window_count(factory, look):
    look("U1")
    look("ELSEWHERE", station="A2")
    look("LATER", minute=60 * 24 * 3)
    assert list(load_line(factory, ALL).units["unit"]) == ["U1"]


def test_a_placeholder_counts_with_an_unknown_product(factory, look):
    look("SEEN", minute=5)
    unit = load_line(factory, ALL).units.iloc[0]
    assert unit["product"] == UNKNOWN
    assert unit["completed_at"] == START + dt.timedelta(minutes=5)


def test_a_false_alarm_is_no_defect_until_somebody_says_otherwise(factory, look):
    inspection = look("U1", classes=["open"])
    user = User.objects.create_user("somebody")
    give_verdict(inspection, user, "false_alarm")
    assert load_line(factory, ALL).defects.empty
    give_verdict(inspection, user, "confirmed")
    assert len(load_line(factory, ALL).defects) == 1


def test_an_empty_line_is_an_empty_bundle(factory):
    assert load_line(factory, ALL).units.empty


def test_the_number_of_queries_does_not_grow(
    factory, look, django_assert_max_num_queries
):
    for number in range(20):
        look(f"V{number}", minute=number, classes=["open"])
    with django_assert_max_num_queries(12):
        load_line(factory, ALL)


def test_a_photo_that_arrives_meanwhile_is_left_for_the_next_analysis(
    factory, look, monkeypatch
):
    from analytics import loaders

    look("U1", classes=["open"])
    read_units = loaders._units

    def slow(*args):
        look("U2", minute=3, classes=["open"])
        return read_units(*args)

    monkeypatch.setattr(loaders, "_units", slow)
    bundle = load_line(factory, ALL)
    assert list(bundle.units["unit"]) == ["U1"]
    assert list(bundle.defects["unit"]) == ["U1"]
