"""Builds the exhibit of a cause: the compact frame from which its chart is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analytics.core.arrays import Bools, Floats, Ints, group_sums
from analytics.core.claims import Claim
from analytics.core.daily import daily_columns
from analytics.core.exhibit import LIMIT, Columns, Exhibit
from analytics.core.exhibit_readings import (
    of_equipment,
    readings_exhibit,
)
from analytics.core.factors import NOBODY, Categorical
from analytics.core.population import Outcome
from analytics.core.rounding import plain_time
from analytics.core.spc import wilson
from analytics.core.study import Study

MOST_LEVELS = 40
AGE_BINS = 12


def exhibit_for(
    study: Study,
    outcome: Outcome,
    claim: Claim,
    exposed: Bools,
    onset: pd.Timestamp | None,
) -> Exhibit:
    """The evidence for one claim; `exposed` are its units."""
    daily = daily_columns(outcome, exposed)
    marks = {"onset": plain_time(onset), "operation": claim.operation}
    if claim.kind == "parameter":
        return readings_exhibit(study, outcome, claim, exposed, daily, marks)
    if claim.kind == "age":
        return _ages(study, outcome, claim, daily, marks)
    if claim.parts:
        return _together(study, outcome, claim, exposed, daily, marks)
    return _levels(study, outcome, claim, daily, marks)


def rate_columns(n: Floats, defective: Floats) -> dict[str, list[Any]]:
    """Columns n, defective, rate and its 95 % interval low, high."""
    low, high = wilson(n, defective)
    return {
        "n": n.astype(int).tolist(),
        "defective": defective.astype(int).tolist(),
        "rate": (defective / np.maximum(n, 1)).tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
    }


def _levels(
    study: Study,
    outcome: Outcome,
    claim: Claim,
    daily: Columns,
    marks: dict[str, Any],
) -> Exhibit:
    factor = study.levels(claim)
    n, defective = _by_level(factor, outcome)
    target = factor.levels.index(claim.level)
    kept = _worst_levels(n, defective, target)
    columns: dict[str, list[Any]] = {"level": [factor.levels[i] for i in kept]}
    columns |= rate_columns(n[kept], defective[kept])
    columns["highlighted"] = [int(i == target) for i in kept]
    marks |= {"kind": claim.kind, "factor": claim.factor, "level": claim.level}
    return Exhibit("levels", columns, marks, daily)


def _by_level(factor: Categorical, outcome: Outcome) -> tuple[Floats, Floats]:
    early = ~(factor.at > outcome.seen_at[factor.unit])
    kept = outcome.inspected[factor.unit] & early
    unit, level = factor.unit[kept], factor.level[kept]
    size = len(factor.levels)
    ones = np.ones(unit.size)
    return (
        group_sums(level, ones, size),
        group_sums(level, outcome.defective[unit], size),
    )


def _worst_levels(n: Floats, defective: Floats, target: int) -> Ints:
    """The target and the levels with most to say, in order of the levels."""
    low, _ = wilson(n, defective)
    score = np.where(n > 0, low, -1.0)
    score[target] = np.inf
    order = np.argsort(-score, kind="stable")[:MOST_LEVELS]
    return np.sort(order[(n[order] > 0) | (order == target)])


def _ages(
    study: Study,
    outcome: Outcome,
    claim: Claim,
    daily: Columns,
    marks: dict[str, Any],
) -> Exhibit:
    factor = study.numbers(claim)
    known = (
        outcome.inspected
        & np.isfinite(factor.values)
        & of_equipment(factor, claim.level)
    )
    ages = factor.values[known]
    inner = np.quantile(ages[ages <= claim.cut], np.linspace(0, 1, AGE_BINS - 3))
    outer = np.quantile(ages[ages > claim.cut], np.linspace(0, 1, 5))
    edges = np.unique([*inner[:-1], claim.cut, *outer[1:]])
    place = np.clip(np.searchsorted(edges, ages, "left") - 1, 0, edges.size - 2)
    n = group_sums(place, np.ones(ages.size), edges.size - 1)
    defective = group_sums(place, outcome.defective[known], edges.size - 1)
    columns: dict[str, list[Any]] = {
        "age_from": edges[:-1].tolist(),
        "age_to": edges[1:].tolist(),
    }
    columns |= rate_columns(n, defective)
    columns["highlighted"] = [int(low >= claim.cut) for low in edges[:-1]]
    marks |= {
        "since": claim.factor,
        "threshold": claim.cut,
        "equipment": claim.level or None,
    }
    return Exhibit("ages", columns, marks, daily)


def _together(
    study: Study,
    outcome: Outcome,
    claim: Claim,
    exposed: Bools,
    daily: Columns,
    marks: dict[str, Any],
) -> Exhibit:
    """Levels as a table; of two numbers the first, with the units of both marked."""
    first = claim.parts[0]
    if first.shape not in ("above", "below"):
        return _pairs(study, outcome, claim, daily, marks)
    marks = {**marks, "operation": first.operation}
    return readings_exhibit(study, outcome, first, exposed, daily, marks)


def _pairs(
    study: Study,
    outcome: Outcome,
    claim: Claim,
    daily: Columns,
    marks: dict[str, Any],
) -> Exhibit:
    first, second = claim.parts
    lots = study.levels(first)
    machines = study.levels(second)
    ran_on = np.full(outcome.inspected.size, NOBODY, dtype=np.int64)
    ran_on[machines.unit] = machines.level
    row, column = lots.level, ran_on[lots.unit]
    kept = outcome.inspected[lots.unit] & (column != NOBODY)
    width = len(machines.levels)
    code = row[kept] * width + column[kept]
    size = len(lots.levels) * width
    n = group_sums(code, np.ones(code.size), size)
    defective = group_sums(code, outcome.defective[lots.unit[kept]], size)
    n_lot, found = n.reshape(-1, width).sum(1), defective.reshape(-1, width).sum(1)
    target = lots.levels.index(first.level)
    shown = _worst_levels(n_lot, found, target)[: LIMIT // width]
    cells = (shown[:, None] * width + np.arange(width)).ravel()
    columns: dict[str, list[Any]] = {
        "row": [lots.levels[i // width] for i in cells],
        "column": [machines.levels[i % width] for i in cells],
    }
    columns |= rate_columns(n[cells], defective[cells])
    other = machines.levels.index(second.level)
    columns["highlighted"] = [int(i == target * width + other) for i in cells]
    marks |= {
        "row_factor": first.factor,
        "column_factor": second.factor,
        "row": first.level,
        "column": second.level,
    }
    return Exhibit("pairs", columns, marks, daily)
