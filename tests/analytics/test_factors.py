"""Factors: what units met, as arrays that many factors share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.core.factors import (
    age_factors,
    categorical_factors,
    reading_factors,
    visits,
)
from analytics.core.frames import Bundle
from analytics.core.population import Population
from tests.analytics.scene import tiny_frames

START = pd.Timestamp("2026-03-01T00:00:00Z")


def factors_of(frames, columns=None):
    bundle = Bundle.of(frames, columns)
    population = Population.of(bundle)
    met = visits(bundle, population)
    categorical = {
        (factor.kind, factor.name): factor
        for factor in categorical_factors(bundle, population, met)
    }
    numeric = [
        *reading_factors(bundle, population, met),
        *age_factors(bundle, met),
    ]
    return met, categorical, {(f.operation, f.name): f for f in numeric}


def lots_of(units, lots, operation="OP10"):
    return pd.DataFrame(
        {"unit": units, "operation": operation, "material": "M", "lot": lots}
    )


def crews(frames):
    n = len(frames["units"])
    steps = frames["steps"].assign(operator=[f"crew-{i % 3}" for i in range(n)])
    return {**frames, "steps": steps}


def test_factors_that_all_units_met_once_share_their_arrays():
    frames = crews(tiny_frames())
    frames["lots"] = lots_of(frames["units"]["unit"], ["L1", "L2"] * 30)
    met, categorical, _ = factors_of(frames)
    equipment, operator, lot = (
        categorical["equipment", "OP10"],
        categorical["operator", "OP10"],
        categorical["lot", "M"],
    )
    assert equipment.unit is operator.unit
    assert equipment.unit is lot.unit
    assert equipment.at is operator.at
    assert equipment.at is lot.at
    assert equipment.at is met["OP10"].at
    assert equipment.unit.dtype == equipment.level.dtype == np.int32


def test_numbers_share_the_arrays_of_their_operation():
    values = np.arange(60, dtype=np.float32)
    columns = {("OP10", name): values for name in "ab"}
    met, _, numeric = factors_of(tiny_frames(), columns)
    a, b = numeric["OP10", "a"], numeric["OP10", "b"]
    assert a.at is b.at is met["OP10"].at
    assert a.equipment is b.equipment is met["OP10"].equipment
    assert a.values.dtype == np.float32


def test_a_unit_that_met_two_lots_has_both_and_each_once():
    frames = tiny_frames()
    units = ["U001", "U000", "U001", "U001"]
    frames["lots"] = lots_of(units, ["L2", "L1", "L1", "L2"])
    _, categorical, _ = factors_of(frames)
    lot = categorical["lot", "M"]
    assert lot.levels == ("L1", "L2")
    assert lot.unit.tolist() == [0, 1, 1]
    assert lot.level.tolist() == [0, 0, 1]


def test_a_level_met_twice_counts_from_the_first_time():
    frames = crews(tiny_frames())
    again = frames["steps"].iloc[:2].assign(run_no=2)
    again["started_at"] += pd.Timedelta(hours=50)
    frames["steps"] = pd.concat([again, frames["steps"].assign(run_no=1)])
    met, categorical, _ = factors_of(frames)
    operator = categorical["operator", "OP10"]
    assert operator.unit.tolist() == list(range(60))
    np.testing.assert_array_equal(operator.at, met["OP10"].first)


def test_a_level_that_nobody_wrote_down_is_none():
    frames = crews(tiny_frames())
    frames["steps"].loc[[3, 5], "operator"] = ""
    _, categorical, _ = factors_of(frames)
    operator = categorical["operator", "OP10"]
    assert operator.levels == ("crew-0", "crew-1", "crew-2")
    assert set(range(60)) - set(operator.unit.tolist()) == {3, 5}
    assert operator.unit.size == operator.level.size == operator.at.size == 58


def test_rows_in_any_order_give_the_same_factors():
    frames = crews(tiny_frames())
    frames["lots"] = lots_of(frames["units"]["unit"].iloc[::2], ["L1", "L2"] * 15)
    mixed = {f: frame.sample(frac=1, random_state=3) for f, frame in frames.items()}
    for own, other in zip(
        factors_of(frames)[1].values(), factors_of(mixed)[1].values(), strict=True
    ):
        assert own.levels == other.levels
        np.testing.assert_array_equal(own.unit, other.unit)
        np.testing.assert_array_equal(own.level, other.level)
        np.testing.assert_array_equal(own.at, other.at)


def test_rows_and_columns_of_readings_are_the_same_numbers():
    frames = tiny_frames()
    values = np.random.default_rng(0).random(60, dtype=np.float32)
    values[7] = np.nan
    rows = frames["units"][["unit"]].assign(
        operation="OP10", parameter="t", value=values
    )
    long = rows[rows["value"].notna()].sample(frac=1, random_state=1)
    _, _, from_rows = factors_of({**frames, "readings": long})
    _, _, from_columns = factors_of(frames, {("OP10", "t"): values})
    np.testing.assert_array_equal(
        from_rows["OP10", "t"].values, from_columns["OP10", "t"].values
    )


def test_hours_count_from_the_last_event_of_the_own_machine():
    frames = tiny_frames()
    at = [START + pd.Timedelta(hours=hour) for hour in (10, 30)]
    frames["equipment_events"] = pd.DataFrame(
        {"equipment": ["M2", "M2"], "at": at, "kind": "maintenance"}
    )
    age = factors_of(frames)[2]["OP10", "maintenance"]
    begun = np.arange(60) - 2.0
    expected = np.where(begun >= 30, begun - 30, begun - 10)
    expected[(begun < 10) | (np.arange(60) % 2 == 1)] = np.nan
    np.testing.assert_allclose(age.values, expected)


@pytest.mark.parametrize("order", [1, -1])
def test_a_lot_of_an_operation_without_steps_has_no_time(order):
    frames = tiny_frames()
    lots = lots_of(frames["units"]["unit"], ["L1", "L2"] * 30, "OP90")
    _, categorical, _ = factors_of({**frames, "lots": lots.iloc[::order]})
    assert np.isnan(categorical["lot", "M"].at).all()
