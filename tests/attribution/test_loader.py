"""What the analysis sees of the database."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from analytics.loaders import UNKNOWN, Window, load_line
from tests.attribution.conftest import START
from traceability.accounts.models import User
from traceability.inspection.services import give_verdict

pytestmark = pytest.mark.django_db
ALL = Window(START - dt.timedelta(days=1), START + dt.timedelta(days=1))
AT = START.isoformat()
TEMP = ("ETCH", "temp")


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
    assert {key: list(v) for key, v in bundle.columns.items()} == {TEMP: [48.5]}
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


@pytest.fixture
def rerun(push):
    """Push one more run of U1: `rerun(run_no, hour, temp)`; no hour, no start."""

    def push_run(run_no, hour, **readings):
        run = {"unit": "U1", "operation": "ETCH", "run_no": run_no}
        if hour is not None:
            run["started_at"] = (START + dt.timedelta(hours=hour)).isoformat()
        push("operation-runs", [{**run, "readings": readings}])

    return push_run


def temps(bundle):
    return list(bundle.columns[TEMP])


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_the_reading_before_the_inspection_counts(factory, look, rerun, order):
    hours, readings = {1: 0, 2: 5}, {1: 48.5, 2: 60.0}
    for run_no in order:
        rerun(run_no, hours[run_no], temp=readings[run_no])
    look("U1", minute=60, classes=["open"])
    look("U1", minute=60 * 8)
    bundle = load_line(factory, ALL)
    assert temps(bundle) == [48.5]
    assert len(bundle.steps) == 2


def test_the_last_of_several_runs_before_the_inspection_counts(factory, look, rerun):
    rerun(2, 1, temp=52.0)
    rerun(3, 5, temp=60.0)
    look("U1", minute=120, classes=["open"])
    assert temps(load_line(factory, ALL)) == [52.0]


def test_the_first_run_counts_where_all_came_after_the_inspection(factory, look, rerun):
    rerun(1, 3, temp=48.5)
    rerun(2, 5, temp=60.0)
    look("U1", minute=60, classes=["open"])
    assert temps(load_line(factory, ALL)) == [48.5]


def test_a_run_without_a_start_comes_before_the_others(factory, look, rerun, push):
    push("units", [{"serial": "U2", "completed_at": AT}])
    runs = [
        {"unit": "U2", "operation": "ETCH", "run_no": number, "readings": {"temp": n}}
        for number, n in ((2, 60.0), (1, 48.0))
    ]
    push("operation-runs", runs)
    look("U2", minute=60)
    assert temps(load_line(factory, ALL)) == [48.0]


def test_a_parameter_that_only_one_run_has_is_kept(factory, look, rerun):
    rerun(2, 5, temp=60.0, power=3.0)
    look("U1", minute=60, classes=["open"])
    columns = load_line(factory, ALL).columns
    assert columns == {TEMP: [48.5], ("ETCH", "power"): [3.0]}


def test_readings_stand_in_the_order_of_units(factory, look, push):
    look("V1")
    look("U1", minute=5)
    bundle = load_line(factory, ALL)
    column = dict(zip(bundle.units["unit"], bundle.columns[TEMP], strict=True))
    assert column["U1"] == 48.5
    assert np.isnan(column["V1"])


def test_a_reading_beyond_all_bounds_stops_no_analysis(factory, look, rerun):
    rerun(1, 0, temp=1e300)
    look("U1", minute=60)
    assert np.isfinite(temps(load_line(factory, ALL))).all()


def test_a_lot_used_in_rework_is_no_exposure(factory, look, push):
    push("material-lots", [{"material": "FILM", "number": "F2"}])
    taken = {"unit": "U1", "operation": "ETCH", "material": "FILM"}
    later = (START + dt.timedelta(hours=5)).isoformat()
    push("consumptions", [{**taken, "lot": "F2", "consumed_at": later}])
    look("U1", minute=60, classes=["open"])
    assert list(load_line(factory, ALL).lots["lot"]) == ["F1"]


def test_a_unit_without_history_is_loaded(factory, look):
    look("BARE", classes=["open"])
    bundle = load_line(factory, ALL)
    assert bundle.steps.empty
    assert bundle.lots.empty
    assert not bundle.columns
