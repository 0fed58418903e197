"""The rate of defects over time, in days or in shorter stretches of a short series."""

from __future__ import annotations

from typing import Any

import numpy as np

from analytics.core.arrays import Bools, Floats, group_sums
from analytics.core.population import Outcome, timestamp
from analytics.core.rounding import plain_time
from analytics.core.spc import wilson

WIDTHS_HOURS = (1, 2, 4, 8, 24, 48, 168, 720, 8760)
MOST_STRETCHES = 62


def daily_columns(
    outcome: Outcome, exposed: Bools | None = None
) -> dict[str, list[Any]]:
    """Columns at, n, defective, rate, low, high of each stretch with inspections.

    With `exposed` also exposed_n and exposed_defective. Stretches start at full
    hours in UTC; rates 0..1 with 95 % intervals.
    """
    looked = outcome.inspected
    if not looked.any():
        return {name: [] for name in ("at", "n", "defective", "rate", "low", "high")}
    begin, width = _grid(outcome.seen_at[looked])
    place = ((outcome.seen_at[looked] - begin) // width).astype(np.int64)
    n_places = int(place.max()) + 1
    n = group_sums(place, np.ones(place.size), n_places)
    defective = group_sums(place, outcome.defective[looked], n_places)
    kept = n > 0
    low, high = wilson(n, defective)
    starts = begin + width * np.arange(n_places)
    columns: dict[str, list[Any]] = {
        "at": [plain_time(timestamp(at)) for at in starts[kept]],
        "n": n[kept].astype(int).tolist(),
        "defective": defective[kept].astype(int).tolist(),
        "rate": (defective / np.maximum(n, 1))[kept].tolist(),
        "low": low[kept].tolist(),
        "high": high[kept].tolist(),
    }
    if exposed is not None:
        own = exposed[looked]
        found = outcome.defective[looked] & own
        columns["exposed_n"] = _counts(place, own, n_places, kept)
        columns["exposed_defective"] = _counts(place, found, n_places, kept)
    return columns


def _grid(times: Floats) -> tuple[float, float]:
    """Start and width in seconds of the stretches; days where a few days are seen."""
    span = float(times.max() - times.min())
    widths = [3600.0 * hours for hours in WIDTHS_HOURS]
    fitting = [width for width in widths if span / width < MOST_STRETCHES]
    width = fitting[0] if fitting else span / (MOST_STRETCHES - 1)
    return float(times.min() // width * width), width


def _counts(place: Any, flags: Bools, n: int, kept: Bools) -> list[int]:
    counts: list[int] = group_sums(place, flags, n)[kept].astype(int).tolist()
    return counts
