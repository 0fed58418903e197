"""From factors to hypotheses: which sets of units could be the exposed ones.

The prior spreads first over kinds, then over factors, then over levels, so that a
factor with a thousand lots does not win by number. Interactions share one small
mass over all the pairs that could have been looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

import numpy as np

from analytics.core.arrays import Floats, Ints
from analytics.core.cells import MIN_UNITS, UNITS_PER_BIN, CellSpace, Family
from analytics.core.claims import Simple, repeated
from analytics.core.factors import Categorical
from analytics.core.far import FarReading, Reading
from analytics.core.pairs import pairs
from analytics.core.population import Population
from analytics.core.salience import standing_out
from analytics.core.thresholds import thresholds
from analytics.core.windows import hidden_family

KIND_SHARE = {
    "lot": 0.22,
    "equipment": 0.18,
    "parameter": 0.26,
    "age": 0.12,
    "operator": 0.06,
    "shift": 0.012,
    "tool": 0.02,
    "supplier": 0.012,
    "interaction": 0.20,
    "hidden": 0.10,
}
"""Prior share of each kind; what a bundle does not have is shared by the rest."""

DERIVED, CONJUNCTIONS, LIMITS = 0.03, 0.02, 0.02
"""Shares kept for derived readings, for two readings together, and for readings
outside their specification: see `widen`."""

RESERVED = DERIVED + CONJUNCTIONS + LIMITS

WITH_ONSET = frozenset({"equipment", "tool", "supplier"})
ONSET_SHARE = 0.5
ONSET_BINS = 48
OWN_SHARE = 0.7
"""Prior share of the pairs of a lot and a machine of the operation that uses it."""


def hypothesis_space(
    categorical: Iterable[Categorical],
    numeric: Iterable[Reading],
    population: Population,
) -> CellSpace:
    """All hypotheses over a population, with a prior that sums to at most one."""
    levels = list(categorical)
    by_kind: dict[str, list[Family]] = {"hidden": [hidden_family(population)]}
    for factor in levels:
        by_kind.setdefault(factor.kind, []).append(_levels(factor))
    for column in numeric:
        cuts = column.families if isinstance(column, FarReading) else thresholds(column)
        by_kind.setdefault(column.kind, []).extend(cuts)
    together = _interactions(levels, population.size)
    if together:
        by_kind["interaction"] = together
    present = sum(KIND_SHARE[kind] for kind in by_kind) + RESERVED
    return CellSpace.of(
        [
            family
            for kind, families in sorted(by_kind.items())
            for family in _weighed(families, KIND_SHARE[kind] / present)
        ]
    )


def _weighed(families: list[Family], share: float) -> list[Family]:
    """Give the families of one kind their parts of its prior share."""
    families = [family for family in families if family.size]
    if not families:
        return []
    even = np.concatenate([np.exp(family.log_prior) for family in families])
    even = even * (share * min(1.0, 1.0 / float(even.sum())))
    if all(family.salience is not None for family in families):
        even = standing_out(
            np.concatenate([f.salience for f in families if f.salience is not None]),
            even,
        )
    parts = np.split(np.log(even), np.cumsum([family.size for family in families])[:-1])
    return [
        replace(family, log_prior=part)
        for family, part in zip(families, parts, strict=True)
    ]


def _levels(factor: Categorical) -> Family:
    """Each level and, for what can go bad one day, each level from an onset on."""
    counts = np.bincount(factor.level, minlength=len(factor.levels))
    bins = np.ones_like(counts)
    if factor.kind in WITH_ONSET:
        bins = np.clip(counts // UNITS_PER_BIN, 1, ONSET_BINS)
    ends = np.cumsum(bins)
    cell = _stretch(factor, counts, bins, ends - bins)
    began = np.full(ends[-1], np.inf)
    np.minimum.at(began, cell, np.where(np.isnan(factor.at), np.inf, factor.at))
    level = np.repeat(np.arange(counts.size), bins)
    start = np.flatnonzero(counts[level] >= MIN_UNITS)
    level = level[start]
    onset = start > (ends - bins)[level]
    claims = Simple(
        factor.kind,
        factor.operation,
        factor.name,
        np.where(onset, "onset", "level").tolist(),
        repeated(factor.levels, level).tolist(),
        np.where(onset, began[start], np.nan),
    )
    prior = np.log(_level_prior(bins[level], onset, int((counts >= MIN_UNITS).sum())))
    return Family(
        factor.unit, cell, factor.at, int(ends[-1]), start, ends[level], prior, claims
    )


def _level_prior(bins: Ints, onset: np.ndarray, n_levels: int) -> Floats:
    """Even over levels; of a level with onsets, `ONSET_SHARE` is theirs."""
    whole = np.where(bins > 1, 1.0 - ONSET_SHARE, 1.0)
    dated = ONSET_SHARE / np.maximum(bins - 1, 1)
    prior: Floats = np.where(onset, dated, whole) / max(n_levels, 1)
    return prior


def _stretch(factor: Categorical, counts: Ints, bins: Ints, first: Ints) -> Ints:
    """The cell of each entry: its level, and the stretch of the level's life."""
    level = factor.level
    if bins.max(initial=1) == 1:
        return first[level].astype(np.int32)
    order = np.lexsort((factor.at, level))
    rank = np.empty(level.size, dtype=np.int64)
    rank[order] = np.arange(level.size) - (np.cumsum(counts) - counts)[level[order]]
    return (first[level] + rank * bins[level] // counts[level]).astype(np.int32)


def _interactions(levels: list[Categorical], size: int) -> list[Family]:
    """Lot x equipment: the cells with enough units, of all that could have been.

    A lot meets the machines of its own operation first: they have `OWN_SHARE`.
    """
    lots = [factor for factor in levels if factor.kind == "lot"]
    machines = [factor for factor in levels if factor.kind == "equipment"]
    own = [pairs(a, b, size) for a, b in product(lots, machines) if _meet(a, b)]
    others = [pairs(a, b, size) for a, b in product(lots, machines) if not _meet(a, b)]
    share = OWN_SHARE if others else 1.0
    return [*_shared(own, share), *_shared(others, 1.0 - OWN_SHARE if own else 1.0)]


def _meet(lot: Categorical, machine: Categorical) -> bool:
    return lot.operation == machine.operation


def _shared(families: list[Family], share: float) -> list[Family]:
    looked_at = sum(family.size for family in families)
    return [family.scaled(share / looked_at) for family in families if family.size]
