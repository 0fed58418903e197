from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traceability.demo.factory import DEFECT_CLASSES, OPERATIONS
from traceability.demo.faults import (
    DRIFTS,
    NEGLECTS,
    PAIRINGS,
    SUPPLIES,
    choose_faults,
)
from traceability.demo.plan import FactoryPlan, plan_factory
from traceability.demo.truth import Plant

TODAY = date(2026, 3, 14)
# A plan takes a tenth of a second: few enough that the tests share them.
seeds = st.integers(min_value=0, max_value=24)
few = settings(max_examples=12, deadline=None)


@lru_cache(maxsize=32)
def planned(seed: int) -> FactoryPlan:
    return plan_factory(seed, TODAY)


@lru_cache(maxsize=64)
def line_of(seed: int, line: str) -> dict[str, pd.DataFrame]:
    return planned(seed).of_line(line)


def defective(plan: FactoryPlan, line: str, defect_class: str) -> pd.Series:
    """Whether each unit of the line has such a defect, by serial."""
    frames = line_of(plan.seed, line)
    found = frames["defects"].query("defect_class == @defect_class")["unit"]
    units = frames["units"]["unit"]
    return pd.Series(units.isin(found).to_numpy(), index=units.to_numpy())


def exposed(plan: FactoryPlan, plant: Plant) -> pd.Series:
    """Whether each unit met the plant, worked out again from the frames alone."""
    frames = line_of(plan.seed, plant.line)
    units = frames["units"]["unit"]
    if plant.kind == "lot":
        met = made_of(frames, plant)
    elif plant.kind == "interaction":
        ran_on = frames["steps"].query("equipment == @plant.machine")["unit"]
        met = ran_on[ran_on.isin(made_of(frames, plant))]
    elif plant.kind == "parameter":
        met = beyond_threshold(frames, plant)
    else:
        met = overdue(frames, plant)
    return pd.Series(units.isin(met).to_numpy(), index=units.to_numpy())


def made_of(frames: dict[str, pd.DataFrame], plant: Plant) -> pd.Series:
    lots = frames["lots"].query("material == @plant.factors[0]")
    return lots.loc[lots["lot"] == plant.level, "unit"]


def beyond_threshold(frames: dict[str, pd.DataFrame], plant: Plant) -> pd.Series:
    named = "operation == @plant.operation and parameter == @plant.factors[0]"
    limits = frames["parameters"].query(named).iloc[0]
    rows = frames["readings"].query(named)
    target = (limits["lower_limit"] + limits["upper_limit"]) / 2
    tolerance = (limits["upper_limit"] - limits["lower_limit"]) / 2
    level = (rows["value"] - target) / tolerance
    sign = 1 if plant.level == ">" else -1
    return rows.loc[sign * level > 0.55, "unit"]


def overdue(frames: dict[str, pd.DataFrame], plant: Plant) -> pd.Series:
    steps = frames["steps"].query("operation == @plant.operation")
    events = frames["equipment_events"].query("kind == 'maintenance'")
    last = pd.merge_asof(
        steps.sort_values("started_at"),
        events.sort_values("at"),
        left_on="started_at",
        right_on="at",
        by="equipment",
    )
    return last.loc[last["started_at"] - last["at"] > timedelta(hours=126), "unit"]


@few
@given(seeds)
def test_four_plants_of_four_kinds_at_four_classes_on_the_first_line(
    seed: int,
) -> None:
    plants = planned(seed).truth.plants
    kinds = [plant.kind for plant in plants]
    assert kinds == ["parameter", "lot", "age", "interaction"]
    assert len({plant.defect_class for plant in plants}) == 4
    assert {plant.line for plant in plants} == {"LINE-1"}


@few
@given(seeds)
def test_risks_and_exposure_stay_within_what_was_promised(seed: int) -> None:
    plan = planned(seed)
    for plant in plan.truth.plants:
        assert 5 <= plant.relative_risk <= 8
        assert 0.05 <= plant.exposed_share <= 0.26
        met = exposed(plan, plant)
        assert met.mean() == pytest.approx(plant.exposed_share, abs=0.06)


@few
@given(seeds)
def test_a_plant_raises_the_rate_of_its_own_class(seed: int) -> None:
    plan = planned(seed)
    for plant in plan.truth.plants:
        met = exposed(plan, plant)
        bad = defective(plan, plant.line, plant.defect_class)
        assert bad[met].mean() > 2 * bad[~met].mean()


@few
@given(seeds)
def test_lot_and_machine_of_the_pair_are_harmless_apart(seed: int) -> None:
    plan = planned(seed)
    pair = plan.truth.plants[3]
    frames = line_of(seed, pair.line)
    bad = defective(plan, pair.line, pair.defect_class)
    lot = bad.index.isin(made_of(frames, pair))
    ran_on = frames["steps"].query("equipment == @pair.machine")["unit"]
    machine = bad.index.isin(ran_on)
    elsewhere = bad[~lot & ~machine].mean()
    assert bad[lot & ~machine].mean() < 3 * elsewhere
    assert bad[machine & ~lot].mean() < 3 * elsewhere
    assert bad[lot & machine].mean() > 3 * elsewhere


@few
@given(seeds)
def test_a_plant_leaves_the_other_classes_alone(seed: int) -> None:
    plan = planned(seed)
    planted = {plant.defect_class for plant in plan.truth.plants}
    for plant in plan.truth.plants:
        met = exposed(plan, plant)
        for other in set(DEFECT_CLASSES) - planted:
            bad = defective(plan, plant.line, other)
            assert bad[met].mean() < 3 * bad[~met].mean()


@few
@given(seeds)
def test_the_second_line_has_base_rates_only(seed: int) -> None:
    plan = planned(seed)
    rates = [defective(plan, "LINE-2", name).mean() for name in DEFECT_CLASSES]
    assert all(0.004 < rate < 0.06 for rate in rates)
    assert 0.015 < sum(rates) / len(rates) < 0.038


@few
@given(seeds)
def test_a_crew_keeps_the_company_of_one_plant(seed: int) -> None:
    plan = planned(seed)
    decoy = plan.truth.decoys[0]
    frames = line_of(seed, "LINE-1")
    steps = frames["steps"].query("operation == @decoy.plant.operation")
    worked = steps.set_index("unit")["shift"] == decoy.levels[0]
    met = exposed(plan, decoy.plant)
    assert worked[met].mean() > 1.2 * worked[~met].mean()


@few
@given(seeds)
def test_an_innocent_machine_was_maintained_when_the_drift_began(seed: int) -> None:
    plan = planned(seed)
    drift, decoy = plan.truth.plants[0], plan.truth.decoys[1]
    (machine,) = decoy.levels
    assert decoy.plant == drift
    frames = line_of(seed, "LINE-1")
    ran_on = frames["steps"].query("equipment == @machine")
    drifted = frames["steps"].query("equipment == @drift.machine")
    company = drifted["unit"].isin(ran_on["unit"])
    events = frames["equipment_events"].query("equipment == @machine")
    gained = [
        company[drifted["started_at"] >= at].mean()
        - company[drifted["started_at"] < at].mean()
        for at in events.loc[events["kind"] == "maintenance", "at"]
        if drifted["started_at"].min() < at < drifted["started_at"].max()
    ]
    assert max(gained) > 0.2
    there = {p.operation for p in plan.truth.plants if p.kind != "lot"}
    assert not there & set(ran_on["operation"])


@few
@given(seeds)
def test_thirty_days_end_now_in_the_order_of_the_route(seed: int) -> None:
    plan = planned(seed)
    units, steps = plan.frames["units"], plan.frames["steps"]
    looks = plan.frames["inspections"]
    assert plan.until == datetime(2026, 3, 14, 12, tzinfo=UTC)
    assert looks["inspected_at"].max() <= plan.until
    assert looks["inspected_at"].max() > plan.until - timedelta(hours=1)
    assert steps["started_at"].min() >= plan.until - timedelta(days=30)
    assert (looks["inspected_at"] > units["completed_at"]).all()
    started = steps.pivot_table(index="unit", columns="operation", values="started_at")
    ended = steps.pivot_table(index="unit", columns="operation", values="ended_at")
    route = [operation.code for operation in OPERATIONS]
    for before, after in zip(route, route[1:], strict=False):
        assert (ended[before] <= started[after]).all()
    completed = units.set_index("unit")["completed_at"]
    assert (ended[route[-1]] <= completed[ended.index]).all()


@few
@given(seeds)
def test_what_went_wrong_still_goes_on(seed: int) -> None:
    plan = planned(seed)
    completed = plan.frames["units"].set_index("unit")["completed_at"]
    last_day = completed.index[completed > plan.until - timedelta(hours=24)]
    acting = [
        plant
        for plant in plan.truth.plants
        if exposed(plan, plant).reindex(last_day).fillna(False).any()
    ]
    assert acting


@few
@given(seeds)
def test_every_reference_exists(seed: int) -> None:
    frames = planned(seed).frames
    units = set(frames["units"]["unit"])
    assert len(units) == len(frames["units"]) >= 2500
    for file in ("steps", "lots", "readings", "inspections", "defects"):
        assert set(frames[file]["unit"]) <= units
    machines = set(frames["equipment"]["equipment"])
    assert set(frames["steps"]["equipment"]) <= machines
    assert set(frames["equipment_events"]["equipment"]) <= machines
    assert len(machines) >= 8
    named = frames["parameters"].set_index(["operation", "parameter"]).index
    assert (
        frames["readings"].set_index(["operation", "parameter"]).index.isin(named).all()
    )


@few
@given(seeds)
def test_readings_are_mostly_within_their_limits(seed: int) -> None:
    frames = planned(seed).frames
    rows = frames["readings"].merge(frames["parameters"])
    within = rows["value"].between(rows["lower_limit"], rows["upper_limit"])
    assert within.mean() > 0.97


@few
@given(seeds)
def test_no_frame_tells_what_was_planted(seed: int) -> None:
    plan = planned(seed)
    columns = {name for frame in plan.frames.values() for name in frame.columns}
    assert not columns & {"risk", "exposure", "plant", "truth", "decoy"}


def test_the_same_seed_gives_the_same_factory_and_another_seed_another() -> None:
    first, again, other = (plan_factory(seed, TODAY) for seed in (5, 5, 6))
    for file, frame in first.frames.items():
        pd.testing.assert_frame_equal(frame, again.frames[file])
    assert first.truth == again.truth
    assert first.sha256 == again.sha256 != other.sha256
    assert first.truth != other.truth
    assert first.board_seeds != other.board_seeds


def test_another_end_moves_all_times_alike() -> None:
    until = datetime(2026, 3, 14, 17, 30, tzinfo=UTC)
    first, moved = plan_factory(5, TODAY), plan_factory(5, TODAY, until)
    shift = (
        moved.frames["units"]["completed_at"] - first.frames["units"]["completed_at"]
    )
    assert set(shift) == {timedelta(hours=5.5)}
    assert first.truth == moved.truth


def test_every_fault_and_every_class_comes_up() -> None:
    drawn = [choose_faults(np.random.default_rng(seed)) for seed in range(300)]
    assert {faults.drift for faults in drawn} == set(DRIFTS)
    assert {faults.supply for faults in drawn} == set(SUPPLIES)
    assert {faults.neglect for faults in drawn} == set(NEGLECTS)
    assert {faults.pairing for faults in drawn} == set(PAIRINGS)
    for left in ("drift_class", "neglect_class", "pairing_class"):
        assert {getattr(faults, left) for faults in drawn} == set(DEFECT_CLASSES)
