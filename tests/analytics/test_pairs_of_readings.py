"""Two readings: their difference, their product, or both beyond a threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle
from analytics.core.limits import limit_families
from analytics.core.study import Study

N = 4000
START = pd.Timestamp("2026-03-01T00:00:00Z")


def answer(readings: dict[str, np.ndarray], defective: np.ndarray) -> list[dict]:
    """Causes of defects of units that passed one machine, a minute apart."""
    units = [f"U{i:05d}" for i in range(N)]
    at = START + pd.to_timedelta(np.arange(N), unit="min")
    steps = {"unit": units, "operation": "MILL", "equipment": "M1", "started_at": at}
    frames = {
        "units": pd.DataFrame(
            {"unit": units, "product": "P", "batch": "", "completed_at": at}
        ),
        "steps": pd.DataFrame({**steps, "ended_at": at}),
        "defects": pd.DataFrame(
            {"unit": np.array(units)[defective], "defect_class": "crack"}
        ),
    }
    columns = {("MILL", name): v.astype(np.float32) for name, v in readings.items()}
    found = analyse(Bundle.of(frames, columns)).to_json()["problems"][0]
    return [*found["causes"], *found["chronic"]]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def drawn(rng: np.random.Generator, risky: np.ndarray) -> np.ndarray:
    return rng.random(N) < np.where(risky, 0.5, 0.005)


def test_a_difference_of_two_readings_is_named_with_its_threshold(rng):
    ambient = 20 + 3 * rng.normal(size=N)
    process = ambient + 10 + rng.normal(size=N)
    others = {f"other-{i}": rng.normal(size=N) for i in range(5)}
    found = answer(
        {"ambient": ambient, "process": process, **others},
        drawn(rng, process - ambient < 8.2),
    )
    assert found[0]["factor"] == "process - ambient"
    assert found[0]["confidence"] > 0.9
    assert float(found[0]["level"].removeprefix("< ")) == pytest.approx(8.2, rel=0.05)


def test_a_product_of_two_readings_is_named_with_its_threshold(rng):
    torque, speed = 40 + 10 * rng.normal(size=N), 1500 + 150 * rng.normal(size=N)
    power = torque * speed
    limit = float(np.quantile(power, 0.97))
    found = answer({"torque": torque, "speed": speed}, drawn(rng, power > limit))
    assert found[0]["factor"] == "speed * torque"
    assert float(found[0]["level"].removeprefix("> ")) == pytest.approx(limit, rel=0.05)


def test_two_readings_that_only_harm_together_are_one_cause(rng):
    heat, wear = rng.normal(size=N), rng.normal(size=N)
    found = answer({"heat": heat, "wear": wear}, drawn(rng, (heat > 1) & (wear > 0.8)))
    assert found[0]["kind"] == "interaction"
    assert set(found[0]["factor"]) == {"heat", "wear"}
    assert found[0]["statement"]["code"] == "together"


def test_a_noisy_copy_of_the_cause_is_no_partner_of_it(rng):
    heat = rng.normal(size=N)
    copy = heat + 0.3 * rng.normal(size=N)
    found = answer({"heat": heat, "copy": copy}, drawn(rng, heat > 1.5))
    assert (found[0]["kind"], found[0]["factor"]) == ("parameter", "heat")


def test_chance_alone_forms_no_pair(rng):
    readings = {f"r{i}": rng.normal(size=N) for i in range(12)}
    found = answer(readings, rng.random(N) < 0.02)
    assert all(cause["confidence"] < 0.5 for cause in found)


def test_readings_outside_their_specification_are_a_hypothesis(rng):
    heat = rng.normal(size=N)
    units = [f"U{i:05d}" for i in range(N)]
    frames = {
        "units": pd.DataFrame(
            {"unit": units, "product": "P", "batch": "", "completed_at": START}
        ),
        "parameters": pd.DataFrame(
            {
                "operation": ["MILL"],
                "parameter": ["heat"],
                "lower_limit": [-2.71],
                "upper_limit": [2.71],
            }
        ),
        "defects": pd.DataFrame({"unit": units[:9], "defect_class": "crack"}),
    }
    bundle = Bundle.of(frames, {("MILL", "heat"): heat.astype(np.float32)})
    claims = [
        family.claims[i]
        for family in limit_families(Study.of(bundle))
        for i in range(family.size)
    ]
    assert {(claim.shape, claim.cut) for claim in claims} == {
        ("above", 2.71),
        ("below", -2.71),
    }
