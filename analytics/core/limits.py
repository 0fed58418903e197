"""Hypotheses of the specification: readings outside the limits they were given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analytics.core.arrays import Ints
from analytics.core.cells import MIN_UNITS, Family
from analytics.core.claims import Simple
from analytics.core.factors import Numeric
from analytics.core.study import Study
from analytics.core.thresholds import MOST_EXPOSED


def limit_families(study: Study) -> Iterator[Family]:
    """Above the upper and below the lower limit, each with a prior share of one."""
    known = study.bundle.parameters
    columns = ("operation", "parameter", "lower_limit", "upper_limit")
    for operation, name, low, high in zip(*(known[c] for c in columns), strict=True):
        if np.isfinite(low) or np.isfinite(high):
            claim = Simple("parameter", str(operation), str(name), [""], [""], NO_CUT)
            factor = study.factor(claim[0])
            if isinstance(factor, Numeric):
                family = _outside(factor, float(low), float(high))
                if family.size:
                    yield family


NO_CUT = np.full(1, np.nan)


def _outside(factor: Numeric, low: float, high: float) -> Family:
    """Cell 0 above, 1 below, 2 inside or unknown."""
    values = factor.values
    cell = np.full(values.size, 2, dtype=np.uint8)
    cell[values > (high if np.isfinite(high) else np.inf)] = 0
    cell[values < (low if np.isfinite(low) else -np.inf)] = 1
    place = (factor.kind, factor.operation, factor.name)
    cuts = np.array([high, low])
    start: Ints = np.array([0, 1], dtype=np.int64)
    claims = Simple(*place, ["above", "below"], ["", ""], cuts)
    family = Family(None, cell, factor.at, 2, start, start + 1, np.zeros(2), claims)
    counts = np.bincount(cell, minlength=3)[:2]
    enough = (counts >= MIN_UNITS) & (counts <= MOST_EXPOSED * values.size)
    return family.kept(np.flatnonzero(enough))
