"""Simulated lines say truly what is wrong with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analytics.bundle import read_bundle
from analytics.core.frames import Bundle
from benchmarks.attribution.oracle import (
    detectable,
    likelihood_ratio,
    oracle_first,
    oracle_ranking,
)
from benchmarks.attribution.score import score
from benchmarks.attribution.simulator import (
    DECOYS,
    KINDS,
    STYLES,
    Settings,
    Simulated,
    simulate,
    write_bundle,
)

SMALL = Settings(units=1500, parameters=14)
STRONG = replace(SMALL, units=3000, lift=8.0, base=(0.02, 0.03), decoys=())


def same(left: Simulated, right: Simulated) -> bool:
    frames = all(left.frames[f].equals(right.frames[f]) for f in left.frames)
    columns = all(
        np.array_equal(left.columns[k], right.columns[k], equal_nan=True)
        for k in left.columns
    )
    return frames and columns and left.columns.keys() == right.columns.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_one_line_and_a_family_another(kind):
    first = simulate(3, kind, SMALL)
    assert same(first, simulate(3, kind, SMALL))
    assert not same(first, simulate(4, kind, SMALL))
    assert not same(first, simulate(3, kind, SMALL, family="test"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", STYLES)
def test_a_line_is_a_bundle_in_time_order(kind, family):
    simulated = simulate(1, kind, SMALL, family)
    bundle = Bundle.of(simulated.frames, simulated.columns)
    assert len(bundle.units) == SMALL.units
    assert bundle.units["completed_at"].is_monotonic_increasing
    for _, own in bundle.steps.groupby("operation"):
        assert own["started_at"].is_monotonic_increasing
        assert (own["started_at"] <= own["ended_at"]).all()
    found = set(bundle.defects["unit"])
    assert found == set(bundle.units["unit"][simulated.truth.defective])


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_plants_a_line_has_some_of_its_defects_and_no_others(kind):
    truth = simulate(2, kind, SMALL).truth
    assert not (truth.defective_without & ~truth.defective).any()
    spared = truth.defective & ~truth.defective_without
    acting = np.zeros(SMALL.units, dtype=bool)
    for plant in truth.acting:
        acting |= plant.acting
        assert not (plant.acting & ~plant.exposed).any()
        assert 0 < truth.attributable(plant) <= spared.sum() or not spared.any()
    assert not (spared & ~acting).any()
    assert len(truth.acting) == {"null": 0, "two": 2}.get(kind, 1)


def test_the_rate_without_plants_is_the_one_asked_for():
    truth = simulate(0, "null", replace(SMALL, base=(0.02, 0.02))).truth
    assert np.exp(truth.log_base).mean() == pytest.approx(0.02)
    assert truth.planted == ()
    assert (truth.defective == truth.defective_without).all()


def test_without_overdispersion_only_products_differ():
    simulated = simulate(0, "null", replace(SMALL, overdispersion=0.0))
    rates = np.round(simulated.truth.log_base, 9)
    products = simulated.frames["units"]["product"]
    assert pd.Series(rates).groupby(products).nunique().max() == 1


@pytest.mark.parametrize("seed", range(12))
def test_a_hidden_cause_is_nowhere_in_the_bundle(seed):
    simulated = simulate(seed, "hidden", SMALL)
    removed, frames = simulated.truth.removed, simulated.frames
    assert removed is not None
    assert simulated.truth.planted == ()
    gone = {
        "lot": lambda: removed.factor not in set(frames["lots"]["material"]),
        "operator": lambda: "operator" not in frames["steps"],
        "equipment": lambda: removed.operation not in set(frames["steps"]["operation"]),
        "parameter": lambda: (
            (removed.operation, removed.factor) not in simulated.columns
        ),
    }
    assert gone[removed.kind]()
    assert likelihood_ratio(simulated.truth, removed) != 0.0


def test_an_alias_covers_the_units_of_the_plant():
    for kind in ("lot", "equipment"):
        simulated = simulate(5, kind, replace(SMALL, decoys=("alias",)))
        (decoy,) = simulated.truth.decoys
        file = "lots" if decoy.kind == "lot" else "steps"
        frame = simulated.frames[file]
        column = "lot" if decoy.kind == "lot" else "tool"
        met = set(frame.loc[frame[column] == decoy.level, "unit"])
        exposed = simulated.truth.planted[0].exposed
        assert met == set(simulated.frames["units"]["unit"][exposed])


def test_a_mediator_is_a_later_reading_that_the_cause_moves():
    simulated = simulate(5, "equipment", replace(SMALL, decoys=("mediator",)))
    plant, (decoy,) = simulated.truth.planted[0], simulated.truth.decoys
    assert decoy.operation > plant.operation
    values = simulated.columns[decoy.operation, decoy.factor]
    moved = np.nanmean(values[plant.acting]) - np.nanmean(values[~plant.exposed])
    assert abs(moved) > np.nanstd(values[~plant.exposed])
    assert (moved > 0) == (decoy.level == ">")


def test_every_decoy_can_be_asked_for():
    truth = simulate(5, "equipment", replace(SMALL, decoys=DECOYS)).truth
    assert {decoy.type for decoy in truth.decoys} == set(DECOYS)


def test_a_plant_knows_its_own_name():
    lot = simulate(1, "lot", SMALL).truth.planted[0]
    named = {"kind": "lot", "operation": lot.operation, "factor": lot.factor}
    assert lot.matches({**named, "level": lot.level})
    assert not lot.matches({**named, "level": "another"})
    pair = simulate(1, "interaction", SMALL).truth.planted[0]
    told = {"kind": "interaction", "operation": pair.operation}
    assert pair.matches({**told, "factor": [], "level": list(pair.level)})
    step = simulate(1, "parameter_step", SMALL).truth.planted[0]
    told = {"kind": "parameter", "operation": step.operation, "factor": step.factor}
    assert step.matches({**told, "level": f"{step.level} 52.3"})
    assert not step.matches({**told, "level": "= 52.3"})


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("hidden", "null")]
)
def test_the_oracle_sees_a_strong_plant(kind):
    simulated = simulate(2, kind, STRONG)
    assert detectable(simulated.truth)
    assert oracle_first(simulated)
    ratios = [one.ratio for one in oracle_ranking(simulated)]
    assert ratios == sorted(ratios, reverse=True)


def test_ties_count_as_the_worst_rank():
    simulated = simulate(1, "lot", SMALL)
    lot = simulated.truth.planted[0]
    blank = {
        "credible_set": None,
        "attributable_interval": [0, 10**6],
        "attributable_defects": 1.0,
        "relative_risk": 2.0,
        "relative_risk_interval": [1.0, 3.0],
        "onset": None,
        "confidence": 0.9,
    }
    true = {
        "kind": "lot",
        "operation": lot.operation,
        "factor": lot.factor,
        "level": lot.level,
    }
    causes = [{**blank, **true}, {**blank, **true, "level": "other"}]
    problem = {"causes": causes, "chronic": [], "credible_sets": []}
    record = score(simulated, {"problems": [problem]}, pd.DataFrame())
    assert record["ranks"] == [2]
    assert not record["top1"]
    assert record["top3"]
    assert record["found"][0]["attributable_holds"]


@pytest.mark.parametrize("column_layout", [True, False])
def test_a_written_bundle_reads_back(tmp_path, column_layout):
    simulated = simulate(1, "age", SMALL)
    write_bundle(simulated, tmp_path, column_layout)
    bundle = read_bundle(tmp_path)
    known = Bundle.of(simulated.frames, simulated.columns)
    pd.testing.assert_frame_equal(bundle.steps, known.steps)
    count = sum(int(np.isfinite(c).sum()) for c in simulated.columns.values())
    if column_layout:
        assert bundle.columns.keys() == simulated.columns.keys()
    else:
        assert len(bundle.readings) == count
