"""Interactions of two categorical factors: a lot on a machine."""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Floats, Ints
from analytics.core.cells import MIN_UNITS, Family
from analytics.core.claims import Both, Claim
from analytics.core.factors import NOBODY, Categorical


def pairs(first: Categorical, second: Categorical, size: int) -> Family:
    """The pairs of levels that enough units met, each with a prior share of one.

    `size`: number of units. A unit that met several levels of the second factor
    counts for the last.
    """
    other, other_at = _by_unit(second, size)
    level = other if first.unit.size == 0 else other[first.unit]
    width = len(second.levels)
    n = len(first.levels) * width
    code = np.where(level == NOBODY, n, first.level * width + level)
    counts = np.bincount(code, minlength=n + 1)[:-1]
    enough = np.flatnonzero(counts >= MIN_UNITS)
    place = np.full(n + 1, enough.size, dtype=np.int32)
    place[enough] = np.arange(enough.size)
    claims = Both(
        second.operation,
        _claims(first),
        _claims(second),
        enough // width,
        enough % width,
    )
    at = np.fmax(first.at, other_at[first.unit])
    begins = np.arange(enough.size)
    even = np.zeros(enough.size)
    return Family(
        first.unit, place[code], at, enough.size, begins, begins + 1, even, claims
    )


def _by_unit(factor: Categorical, size: int) -> tuple[Ints, Floats]:
    """One level and its time for each unit; `NOBODY` and NaN where there is none."""
    level = np.full(size, NOBODY, dtype=np.int64)
    at = np.full(size, np.nan)
    level[factor.unit] = factor.level
    at[factor.unit] = factor.at
    return level, at


def _claims(factor: Categorical) -> list[Claim]:
    return [
        Claim(factor.kind, factor.operation, factor.name, "level", level)
        for level in factor.levels
    ]
