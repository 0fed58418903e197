"""Units that passed an operation again, and bundles with next to no history."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.core.analyse import analyse
from analytics.core.factors import reading_factors, visits
from analytics.core.frames import Bundle
from analytics.core.population import Population
from analytics.core.study import Study
from tests.analytics.scene import answers, tiny_frames

START = pd.Timestamp("2026-03-01T00:00:00Z")
HOUR = pd.Timedelta(hours=1)
N = 1500


def lot_line() -> dict[str, pd.DataFrame]:
    """Lot L3 has 20 % defective units, the others 2 %; all inspected after two hours.

    The reading is high on the units of L3.
    """
    rng = np.random.default_rng(7)
    units = [f"U{i:04d}" for i in range(N)]
    began = START + pd.to_timedelta(np.arange(N), unit="m") * 10
    lot = rng.integers(1, 7, N)
    bad = rng.random(N) < np.where(lot == 3, 0.20, 0.02)
    own = {"unit": units, "operation": "OP10"}
    heat = rng.normal(50, 1, N) + 8 * (lot == 3)
    looks = pd.DataFrame({"unit": units, "inspected_at": began + 2 * HOUR})
    looks["inspection"] = "I" + looks["unit"]
    steps = {"equipment": "M1", "run_no": 1, "started_at": began}
    return {
        "units": pd.DataFrame(
            {"unit": units, "product": "P", "batch": "B", "completed_at": began + HOUR}
        ),
        "steps": pd.DataFrame({**own, **steps, "ended_at": began + HOUR}),
        "lots": pd.DataFrame(
            {**own, "material": "FILM", "lot": [f"L{k}" for k in lot]}
        ),
        "readings": pd.DataFrame({**own, "parameter": "heat", "value": heat}),
        "inspections": looks,
        "defects": pd.DataFrame(
            {
                "unit": looks["unit"][bad],
                "defect_class": "void",
                "inspection": looks["inspection"][bad],
            }
        ),
    }


def reworked(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Every defective unit passes again five hours later and is looked at again."""
    again = frames["steps"][frames["steps"]["unit"].isin(frames["defects"]["unit"])]
    again = again.assign(
        run_no=2,
        started_at=again["started_at"] + 5 * HOUR,
        ended_at=again["ended_at"] + 5 * HOUR,
    )
    relooks = pd.DataFrame(
        {
            "unit": again["unit"],
            "inspected_at": again["ended_at"] + HOUR,
            "inspection": "J" + again["unit"],
        }
    )
    return {
        **frames,
        "steps": pd.concat([frames["steps"], again]),
        "inspections": pd.concat([frames["inspections"], relooks]),
    }


def first_cause(frames):
    problem = analyse(Bundle.of(frames)).problems[0]
    return (*problem.causes, *problem.chronic)[0]


def test_the_lot_of_reworked_units_is_still_found():
    frames = reworked(lot_line())
    del frames["readings"]
    first = first_cause(frames)
    assert (first.kind, first.level) == ("lot", "L3")
    assert first.confidence > 0.95


def test_the_reading_of_reworked_units_is_still_found():
    frames = reworked(lot_line())
    del frames["lots"]
    first = first_cause(frames)
    assert (first.kind, first.factor) == ("parameter", "heat")
    assert first.level.startswith(">")
    assert first.relative_risk > 4
    assert first.confidence > 0.95


def test_rework_changes_nothing_of_the_answer():
    plain, again = (
        answers(analyse(Bundle.of(frames)))[0]
        for frames in (lot_line(), reworked(lot_line()))
    )
    assert [*plain["causes"], *plain["chronic"]]
    assert again["causes"] == plain["causes"]
    assert again["chronic"] == plain["chronic"]


def scene(starts, looks, found=()):
    """One unit with runs 1, 2 … at `starts` hours, seen at `looks`, bad at `found`."""
    at = [START + hour * HOUR for hour in starts]
    runs = {"operation": "OP10", "run_no": np.arange(len(at)) + 1}
    frames = {
        "units": pd.DataFrame(
            {"unit": ["U"], "product": "P", "batch": "B", "completed_at": [START]}
        ),
        "steps": pd.DataFrame(
            {"unit": "U", **runs, "equipment": [f"M{k}" for k in runs["run_no"]]}
        ).assign(started_at=at, ended_at=at),
        "inspections": pd.DataFrame(
            {
                "unit": "U",
                "inspected_at": [START + hour * HOUR for hour in looks],
                "inspection": [str(hour) for hour in looks],
            }
        ),
        "defects": pd.DataFrame(
            {"unit": "U", "defect_class": "void", "inspection": [str(h) for h in found]}
        ),
    }
    bundle = Bundle.of(frames)
    return visits(bundle, Population.of(bundle))["OP10"]


@pytest.mark.parametrize(
    ("starts", "looks", "found", "machine"),
    [
        ((1, 7), (3,), (3,), "M1"),
        ((1, 7), (3, 9), (3,), "M1"),
        ((1, 7), (3, 9), (3, 9), "M1"),
        ((1, 7), (3, 9), (9,), "M2"),
        ((1, 7), (3, 9), (), "M2"),
        ((1, 3), (3,), (3,), "M2"),
        ((5, 7), (3,), (3,), "M1"),
        ((1, 1), (3,), (3,), "M2"),
    ],
)
def test_the_last_run_before_the_judgement_counts(starts, looks, found, machine):
    visit = scene(starts, looks, found)
    assert visit.machines[visit.equipment[0]] == machine
    run = int(machine[1]) - 1
    assert visit.at[0] == (START + starts[run] * HOUR).timestamp()
    assert visit.first[0] == (START + starts[0] * HOUR).timestamp()


@pytest.mark.parametrize(
    "names", [(), ("steps",), ("lots",), ("readings",), ("lots", "readings")]
)
@pytest.mark.parametrize("empty", [True, False])
def test_a_bundle_without_history_is_an_answer(names, empty):
    frames = lot_line()
    for name in {"steps", "lots", "readings"} - set(names):
        frames[name] = frames[name].iloc[:0]
        if not empty:
            del frames[name]
    found = analyse(Bundle.of(frames)).problems[0]
    assert found.inspected_units == N
    kinds = {cause.kind for cause in (*found.causes, *found.chronic)}
    assert ("lot" in kinds) == ("lots" in names)


def test_units_without_steps_are_an_answer():
    frames = tiny_frames()
    frames["steps"] = frames["steps"].iloc[5:]
    bundle = Bundle.of(frames)
    visit = Study.of(bundle).met["OP10"]
    assert np.isnan(visit.at[:5]).all()
    assert np.isnan(visit.first[:5]).all()
    assert analyse(bundle).problems[0].inspected_units == 60


def test_readings_of_an_operation_without_steps_have_no_time():
    frames = tiny_frames()
    units = frames["units"]["unit"]
    frames["readings"] = pd.DataFrame(
        {"unit": units, "operation": "OP90", "parameter": "x", "value": 1.0}
    )
    bundle = Bundle.of(frames)
    population = Population.of(bundle)
    met = visits(bundle, population)
    (factor,) = reading_factors(bundle, population, met)
    assert np.isnan(factor.at).all()
    assert (factor.values == 1.0).all()
