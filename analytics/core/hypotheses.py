"""From factors to hypotheses: which sets of units could be the exposed ones.

The prior spreads first over kinds, then over factors, then over levels, so that a
factor with a thousand lots does not win by number. Interactions share one small
mass over all the pairs that could have been looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np

from analytics.core.arrays import Floats, Ints
from analytics.core.cells import (
    MIN_UNITS,
    UNITS_PER_BIN,
    CellSpace,
    Claim,
    Family,
    family_of,
)
from analytics.core.factors import NOBODY, Categorical, Numeric
from analytics.core.population import Population
from analytics.core.salience import weights
from analytics.core.thresholds import thresholds
from analytics.core.windows import hidden_family

KIND_SHARE = {
    "lot": 0.18,
    "equipment": 0.18,
    "parameter": 0.26,
    "age": 0.12,
    "operator": 0.06,
    "shift": 0.03,
    "tool": 0.05,
    "supplier": 0.03,
    "interaction": 0.02,
    "hidden": 0.07,
}
"""Prior share of each kind; what a bundle does not have is shared by the rest."""

WITH_ONSET = frozenset({"equipment", "tool", "supplier"})
ONSET_SHARE = 0.4
ONSET_BINS = 24


def hypothesis_space(
    categorical: Iterable[Categorical],
    numeric: Iterable[Numeric],
    population: Population,
) -> CellSpace:
    """All hypotheses over a population, with a prior that sums to at most one."""
    levels = list(categorical)
    by_kind: dict[str, list[Family]] = {"hidden": [hidden_family(population)]}
    for factor in levels:
        by_kind.setdefault(factor.kind, []).append(_levels(factor))
    for column in numeric:
        by_kind.setdefault(column.kind, []).extend(thresholds(column))
    pairs = list(_interactions(levels, population.size))
    if pairs:
        by_kind["interaction"] = pairs
    present = sum(KIND_SHARE[kind] for kind in by_kind)
    return CellSpace.of(
        [
            family
            for kind, families in sorted(by_kind.items())
            for family in _weighed(families, KIND_SHARE[kind] / present)
        ]
    )


def _weighed(families: list[Family], share: float) -> list[Family]:
    """Give the families of one kind their parts of its prior share."""
    families = [family for family in families if family.claims]
    if not families:
        return []
    even = [family.share for family in families]
    scale = min(1.0, 1.0 / sum(even))
    parts = weights([family.salience for family in families], even)
    return [
        family.scaled(share * scale * sum(even) * part / family.share)
        for family, part in zip(families, parts, strict=True)
    ]


def _levels(factor: Categorical) -> Family:
    """Each level and, for what can go bad one day, each level from an onset on."""
    onsets = factor.kind in WITH_ONSET
    counts = np.bincount(factor.level, minlength=len(factor.levels))
    bins = np.ones_like(counts)
    if onsets:
        bins = np.clip(counts // UNITS_PER_BIN, 1, ONSET_BINS)
    first = np.concatenate([[0], np.cumsum(bins)])
    rank = _rank_within(factor.level, factor.at)
    cell = first[factor.level] + rank * bins[factor.level] // counts[factor.level]
    began = np.full(first[-1], np.inf)
    np.minimum.at(began, cell, np.where(np.isnan(factor.at), np.inf, factor.at))
    start, stop, prior, claims = [], [], [], []
    share = 1.0 / max(int((counts >= MIN_UNITS).sum()), 1)
    whole = 1.0 - ONSET_SHARE if onsets else 1.0
    for level in np.flatnonzero(counts >= MIN_UNITS):
        name, low, high = factor.levels[level], first[level], first[level + 1]
        for k in range(low, high):
            shape = "level" if k == low else "onset"
            start.append(k)
            stop.append(high)
            prior.append(
                share * (whole if k == low else ONSET_SHARE / (high - low - 1))
            )
            cut = began[k] if shape == "onset" else np.nan
            claims.append(
                Claim(
                    factor.kind, factor.operation, factor.name, shape, name, float(cut)
                )
            )
    return family_of(
        factor.unit, cell, factor.at, first[-1], start, stop, prior, claims
    )


def _rank_within(group: Ints, at: Floats) -> Ints:
    """Place of each entry in time among the entries of its group, from 0."""
    order = np.lexsort((at, group))
    begins = np.concatenate([[0], np.cumsum(np.bincount(group))])
    rank = np.empty(group.size, dtype=np.int64)
    rank[order] = np.arange(group.size) - begins[group[order]]
    return rank


def _interactions(levels: list[Categorical], size: int) -> Iterator[Family]:
    """Lot x equipment: the cells with enough units, of all that could have been."""
    lots = [factor for factor in levels if factor.kind == "lot"]
    machines = [factor for factor in levels if factor.kind == "equipment"]
    all_pairs = sum(len(a.levels) * len(b.levels) for a, b in product(lots, machines))
    for lot, machine in product(lots, machines):
        yield _pairs(lot, machine, size).scaled(1.0 / all_pairs)


def _pairs(lot: Categorical, machine: Categorical, size: int) -> Family:
    ran_on = np.full(size, NOBODY, dtype=np.int64)
    ran_at = np.full(size, np.nan)
    ran_on[machine.unit] = machine.level
    ran_at[machine.unit] = machine.at
    both = ran_on[lot.unit] != NOBODY
    unit = lot.unit[both]
    code = lot.level[both] * len(machine.levels) + ran_on[unit]
    found, cell = np.unique(code, return_inverse=True)
    enough = np.flatnonzero(np.bincount(cell, minlength=found.size) >= MIN_UNITS)
    claims = [
        Claim(
            "interaction",
            machine.operation,
            lot.name,
            "pair",
            lot.levels[found[k] // len(machine.levels)],
            other_factor=machine.name,
            other_level=machine.levels[found[k] % len(machine.levels)],
        )
        for k in enough
    ]
    at = np.fmax(lot.at[both], ran_at[unit])
    prior = [1.0] * len(claims)
    return family_of(
        unit, cell, at, found.size, list(enough), list(enough + 1), prior, claims
    )
