"""Planted causes are found, decoys and nothing are not."""

from __future__ import annotations

import pytest

from tests.analytics.scene import line, problem

SEEDS = (201, 202, 203)


def first_cause(seed, kind):
    return problem(seed, kind).causes[0]


@pytest.mark.parametrize("kind", ["parameter_step", "parameter_ramp"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_moved_parameter_is_named_as_the_parameter(seed, kind):
    truth, first = line(seed, kind).truth, first_cause(seed, kind)
    assert truth.matches(first.to_json())
    assert first.confidence >= 0.7
    machine = first.statement.params.get("equipment", truth.equipment)
    assert not truth.equipment or machine == truth.equipment


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bad_lot_is_named(seed):
    first = first_cause(seed, "lot")
    assert line(seed, "lot").truth.matches(first.to_json())
    assert first.confidence >= 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_late_maintenance_is_named_as_an_age_in_hours(seed):
    truth, first = line(seed, "age").truth, first_cause(seed, "age")
    assert truth.matches(first.to_json())
    assert first.confidence >= 0.8
    assert str(first.level).startswith("hours since maintenance > ")
    assert abs(first.statement.params["hours"] - truth.threshold) < 60


@pytest.mark.parametrize("seed", SEEDS)
def test_equipment_gone_bad_is_named_with_its_onset(seed):
    first = first_cause(seed, "equipment")
    assert line(seed, "equipment").truth.matches(first.to_json())
    assert first.statement.code == "equipment_from_onset"
    assert problem(seed, "equipment").question == "excursion"
    low, high = first.onset_interval
    assert low <= first.onset <= high


@pytest.mark.parametrize("seed", SEEDS)
def test_an_operator_is_named(seed):
    first = first_cause(seed, "operator")
    assert line(seed, "operator").truth.matches(first.to_json())
    assert first.confidence >= 0.8


@pytest.mark.parametrize("kind", ["parameter_step", "lot", "age", "equipment"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_decoy_crew_never_ranks_above_the_plant(seed, kind):
    (decoy,) = line(seed, kind).decoys
    assert not decoy.matches(first_cause(seed, kind).to_json())


@pytest.mark.parametrize("kind", ["null", "hidden"])
@pytest.mark.parametrize("seed", SEEDS)
def test_where_nothing_recorded_is_at_fault_nothing_is_blamed(seed, kind):
    found = problem(seed, kind)
    told = [*found.causes, *found.chronic]
    assert max((cause.confidence for cause in told), default=0.0) < 0.5


def test_the_strength_is_told_with_its_intervals():
    first = first_cause(201, "age")
    low, high = first.relative_risk_interval
    assert 2.0 < low <= first.relative_risk <= high
    assert first.exposed_rate > first.other_rate
    few, many = first.attributable_interval
    assert few <= first.attributable_defects <= many
