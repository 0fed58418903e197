"""Data at the edge of what an analysis can be asked."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle
from analytics.core.grouping import SAMPLE, Groups

START = pd.Timestamp("2026-03-01T00:00:00Z")


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def frames(n: int, bad: np.ndarray, machine: np.ndarray) -> dict[str, pd.DataFrame]:
    units = np.array([f"U{i:06d}" for i in range(n)])
    at = START + pd.to_timedelta(np.arange(n) * 30, unit="s")
    return {
        "units": pd.DataFrame(
            {"unit": units, "product": "P", "batch": "", "completed_at": at}
        ),
        "steps": pd.DataFrame(
            {
                "unit": units,
                "operation": "OP10",
                "equipment": machine,
                "started_at": at - pd.Timedelta(minutes=5),
                "ended_at": at,
            }
        ),
        "defects": pd.DataFrame({"unit": units[bad], "defect_class": "void"}),
    }


def test_a_sample_holds_units_of_machines_that_take_turns():
    n = 2 * SAMPLE + 10
    groups = Groups.of(np.arange(n) % 2, ("M1", "M2"))
    assert groups.sample.n == 2
    assert np.bincount(groups.sample.code).min() > 0.4 * SAMPLE


def test_a_spare_machine_with_one_unit_among_many_is_no_trouble():
    n = 2 * SAMPLE + 10_000
    rng = np.random.default_rng(0)
    machine = np.where(np.arange(n) % 2, "M1", "M2").astype(object)
    machine[17] = "M3"
    given = frames(n, rng.random(n) < 0.002, machine)
    given["equipment_events"] = pd.DataFrame(
        {"equipment": ["M1", "M2", "M3"], "at": START, "kind": "maintenance"}
    )
    assert analyse(Bundle.of(given)).problems


def test_all_inspected_units_defective_is_an_answer():
    n = 400
    rng = np.random.default_rng(1)
    columns = {
        ("OP10", name): rng.normal(size=n).astype(np.float32) for name in ("a", "b")
    }
    given = frames(n, np.ones(n, dtype=bool), np.full(n, "M1"))
    assert analyse(Bundle.of(given, columns)).problems[0].rate == 1.0


def test_a_lot_that_was_used_after_the_inspection_is_not_told():
    n = 400
    rng = np.random.default_rng(2)
    given = frames(n, rng.random(n) < 0.1, np.full(n, "M1"))
    late = given["steps"].assign(
        operation="OP99", started_at=given["units"]["completed_at"] + pd.Timedelta("1h")
    )
    given["steps"] = pd.concat([given["steps"], late])
    given["lots"] = pd.DataFrame(
        {
            "unit": given["units"]["unit"],
            "operation": "OP99",
            "material": "GLUE",
            "lot": np.where(np.arange(n) % 2, "L1", "L2"),
        }
    )
    problem = analyse(Bundle.of(given)).problems[0]
    assert not [c for c in (*problem.causes, *problem.chronic) if c.kind == "lot"]
