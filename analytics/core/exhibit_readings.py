"""The exhibit of a process parameter: its readings, its drift, its defects."""

from __future__ import annotations

from typing import Any

import numpy as np

from analytics.core.arrays import Bools, Floats, Ints
from analytics.core.claims import Claim
from analytics.core.exhibit import Columns, Exhibit, Readings
from analytics.core.factors import Numeric
from analytics.core.population import Outcome, timestamp
from analytics.core.rounding import plain_time
from analytics.core.spc import ewma
from analytics.core.study import Study

MOST_POINTS = 300
SERIES_POINTS = 100
NORMAL_SPREAD = 1.4826
"""Standard deviation of a normal over its median absolute deviation."""


def readings_exhibit(
    study: Study,
    outcome: Outcome,
    claim: Claim,
    exposed: Bools,
    daily: Columns,
    marks: dict[str, Any],
) -> Exhibit:
    factor = study.numbers(claim)
    at = np.where(np.isnan(factor.at), study.population.completed, factor.at)
    known = np.flatnonzero(outcome.inspected & np.isfinite(factor.values))
    known = known[np.argsort(at[known], kind="stable")]
    points = _sampled(known, outcome.defective)
    names = np.array([*factor.machines, ""], dtype=object)
    columns: dict[str, list[Any]] = {
        "at": _times(at[points]),
        "value": factor.values[points].tolist(),
        "defective": outcome.defective[points].astype(int).tolist(),
        "exposed": exposed[points].astype(int).tolist(),
        "equipment": names[factor.equipment[points]].tolist(),
    }
    unit_of_measure, low, high = limits_of(study, claim.operation, claim.factor)
    marks |= {
        "parameter": claim.factor,
        "unit_of_measure": unit_of_measure,
        "direction": claim.shape,
        "threshold": claim.cut,
        "equipment": claim.level or None,
        "lower_limit": low,
        "upper_limit": high,
    }
    own = known[of_equipment(factor, claim.level)[known]]
    one_machine = np.unique(factor.equipment[own]).size == 1
    if not one_machine:
        return Exhibit("readings", columns, marks, daily)
    values = factor.values[own].astype(np.float64)
    series = _ewma_columns(values, at[own])
    readings = Readings(values, at[own], _as_exact(low), _as_exact(high))
    return Exhibit("readings", columns, marks, daily, series, readings)


def _as_exact(limit: float | None) -> float | None:
    """The limit as exact as readings are: one at the limit is not outside."""
    return None if limit is None else float(np.float32(limit))


def limits_of(
    study: Study, operation: str, parameter: str
) -> tuple[str, float | None, float | None]:
    """Unit of measure and specification limits of a parameter, where known."""
    known = study.bundle.parameters
    row = known[(known["operation"] == operation) & (known["parameter"] == parameter)]
    if row.empty:
        return "", None, None
    first = row.iloc[0]
    low, high = float(first["lower_limit"]), float(first["upper_limit"])
    return (
        str(first["unit_of_measure"]),
        low if np.isfinite(low) else None,
        high if np.isfinite(high) else None,
    )


def _ewma_columns(values: Floats, at: Floats) -> Columns:
    """EWMA of the machine's readings with limits from their robust middle."""
    if values.size < 2:
        return {}
    centre = float(np.median(values))
    sigma = NORMAL_SPREAD * float(np.median(np.abs(values - centre)))
    chart = ewma(values, centre=centre, sigma=sigma)
    step = max(values.size // SERIES_POINTS, 1)
    return {
        "at": _times(at[::step]),
        "ewma": chart.points[::step].tolist(),
        "low": chart.low[::step].tolist(),
        "high": chart.high[::step].tolist(),
    }


def _sampled(known: Ints, defective: Bools) -> Ints:
    """At most `MOST_POINTS` of the units, in order; half of the room for defects."""
    bad, good = known[defective[known]], known[~defective[known]]
    bad = _evenly(bad, max(MOST_POINTS // 2, MOST_POINTS - good.size))
    good = _evenly(good, MOST_POINTS - bad.size)
    kept = np.zeros(defective.size, dtype=bool)
    kept[bad] = True
    kept[good] = True
    return known[kept[known]]


def _evenly(items: Ints, most: int) -> Ints:
    if items.size <= most:
        return items
    return items[np.linspace(0, items.size - 1, most).round().astype(np.int64)]


def _times(at: Floats) -> list[str | None]:
    return [plain_time(timestamp(value)) for value in at]


def of_equipment(factor: Numeric, equipment: str) -> Bools:
    """Units that the equipment ran; all where the claim is of all equipment."""
    if not equipment:
        return np.ones(factor.values.size, dtype=bool)
    own: Bools = factor.equipment == factor.machines.index(equipment)
    return own
