"""Planted causes are found, decoys and nothing are not."""

from __future__ import annotations

import pytest

from tests.analytics.scene import line, problem

SEEDS = (201, 202, 203)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drifting_parameter_is_named_as_the_parameter(seed):
    truth = line(seed, "parameter").truth
    first = problem(seed, "parameter").causes[0]
    assert (first.kind, first.operation) == ("parameter", truth.operation)
    assert first.factor == "temperature"
    assert str(first.level).startswith("> ")
    assert first.confidence >= 0.8
    assert first.statement.params.get("equipment", truth.level) == truth.level


@pytest.mark.parametrize("seed", SEEDS)
def test_a_bad_lot_is_named(seed):
    truth = line(seed, "lot").truth
    first = problem(seed, "lot").causes[0]
    assert (first.kind, first.factor, first.level) == ("lot", truth.factor, truth.level)
    assert first.confidence >= 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_late_maintenance_is_named_as_an_age_in_hours(seed):
    truth = line(seed, "age").truth
    first = problem(seed, "age").causes[0]
    assert (first.kind, first.operation) == ("age", truth.operation)
    assert first.confidence >= 0.8
    assert str(first.level).startswith("hours since maintenance > ")
    assert abs(first.statement.params["hours"] - truth.threshold) < 60


@pytest.mark.parametrize("seed", SEEDS)
def test_equipment_gone_bad_is_named_with_its_onset(seed):
    drawn = line(seed, "equipment")
    found = problem(seed, "equipment")
    first = found.causes[0]
    assert (first.kind, first.level) == ("equipment", drawn.truth.level)
    assert first.statement.code == "equipment_from_onset"
    assert found.question == "excursion"
    low, high = first.onset_interval
    assert low <= first.onset <= high


@pytest.mark.parametrize("seed", SEEDS)
def test_an_operator_is_named(seed):
    first = problem(seed, "operator").causes[0]
    assert (first.kind, first.level) == (
        "operator",
        line(seed, "operator").truth.level,
    )
    assert first.confidence >= 0.8


@pytest.mark.parametrize("plant", ["parameter", "lot", "age"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_decoy_crew_never_ranks_above_the_plant(seed, plant):
    truth = line(seed, plant).truth
    assert problem(seed, plant).causes[0].level != truth.decoy


@pytest.mark.parametrize("plant", ["nothing", "hidden"])
@pytest.mark.parametrize("seed", SEEDS)
def test_where_nothing_recorded_is_at_fault_nothing_is_blamed(seed, plant):
    found = problem(seed, plant)
    told = [*found.causes, *found.chronic]
    assert max((cause.confidence for cause in told), default=0.0) < 0.5


def test_the_strength_is_told_with_its_intervals():
    first = problem(201, "age").causes[0]
    low, high = first.relative_risk_interval
    assert 2.0 < low <= first.relative_risk <= high
    assert first.exposed_rate > first.other_rate
    few, many = first.attributable_interval
    assert few <= first.attributable_defects <= many
