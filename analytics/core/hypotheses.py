"""From factors to hypotheses: which sets of units could be the exposed ones.

The prior spreads first over kinds, then over factors, then over levels, so that a
factor with a thousand lots does not win by number. Interactions share one small
mass over all the pairs that could have been looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from analytics.core.arrays import Floats, Ints
from analytics.core.cells import CellSpace, Claim, Family
from analytics.core.factors import NOBODY, Categorical, Numeric
from analytics.core.population import Population
from analytics.core.salience import drift_score, overdue_score, weights

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
MACHINE_SHARE = 0.5
QUANTILES = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.98)
MIN_UNITS = 5
ONSET_BINS = 24
UNITS_PER_BIN = 10
HIDDEN_BINS = 64
HIDDEN_SCALES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


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
        by_kind.setdefault(column.kind, []).extend(_thresholds(column))
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
    return _family(factor.unit, cell, factor.at, first[-1], start, stop, prior, claims)


def _rank_within(group: Ints, at: Floats) -> Ints:
    """Place of each entry in time among the entries of its group, from 0."""
    order = np.lexsort((at, group))
    begins = np.concatenate([[0], np.cumsum(np.bincount(group))])
    rank = np.empty(group.size, dtype=np.int64)
    rank[order] = np.arange(group.size) - begins[group[order]]
    return rank


def _thresholds(factor: Numeric) -> Iterator[Family]:
    """Above and below quantile points; pooled, and on each machine by itself."""
    known = np.flatnonzero(np.isfinite(factor.values))
    if known.size < 2 * MIN_UNITS:
        return
    machines = np.unique(factor.equipment[known])
    machines = machines[machines != NOBODY]
    pooled_share = 1.0 if machines.size < 2 else 1.0 - MACHINE_SHARE
    yield _cuts(factor, known, "").scaled(pooled_share)
    if machines.size < 2 or factor.name == "commissioning":
        return
    for code in machines:
        own = known[factor.equipment[known] == code]
        if own.size >= 2 * MIN_UNITS:
            family = _cuts(factor, own, factor.machines[code])
            yield family.scaled(MACHINE_SHARE / machines.size)


def _cuts(factor: Numeric, units: Ints, machine: str) -> Family:
    values = factor.values[units]
    shapes = ("above",) if factor.kind == "age" else ("above", "below")
    inner = sorted({*QUANTILES, *(1 - q for q in QUANTILES)})
    edges = np.unique(np.quantile(values, inner))
    edges = edges[(edges > values.min()) & (edges < values.max())]
    cell = np.searchsorted(edges, values, side="left")
    n = edges.size + 1
    start, stop, claims = [], [], []
    middle = np.median(values)
    for shape in shapes:
        for k, edge in enumerate(edges):
            if (edge < middle) == (shape == "above") and edge != middle:
                continue
            start.append(k + 1 if shape == "above" else 0)
            stop.append(n if shape == "above" else k + 1)
            claims.append(
                Claim(
                    factor.kind,
                    factor.operation,
                    factor.name,
                    shape,
                    machine,
                    float(edge),
                )
            )
    prior = [1.0 / max(len(claims), 1)] * len(claims)
    at = factor.at[units]
    family = _family(units, cell, at, n, start, stop, prior, claims)
    return replace(family, salience=_salience(factor.kind, values, at))


def _salience(kind: str, values: Floats, at: Floats) -> float:
    ordered = values[np.argsort(at, kind="stable")]
    return overdue_score(ordered) if kind == "age" else drift_score(ordered)


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
    return _family(
        unit, cell, at, found.size, list(enough), list(enough + 1), prior, claims
    )


def hidden_family(population: Population) -> Family:
    """Something that is not recorded: windows of time at several scales, onsets."""
    n = population.size
    bins = max(min(HIDDEN_BINS, n // UNITS_PER_BIN), 1)
    unit = np.arange(n, dtype=np.int64)
    cell = unit * bins // max(n, 1)
    began = np.full(bins + 1, np.inf)
    np.minimum.at(began, cell, population.completed)
    start, stop, prior, claims = [], [], [], []
    scales = [scale for scale in HIDDEN_SCALES if scale <= bins // 2]
    for scale in scales:
        begins = range(1, bins - scale, max(scale // 2, 1))
        for k in begins:
            start.append(k)
            stop.append(k + scale)
            prior.append(0.5 / len(scales) / len(begins))
            claims.append(
                Claim("hidden", "", "", "window", "", began[k], began[k + scale])
            )
    for k in range(1, bins):
        start.append(k)
        stop.append(bins)
        prior.append(0.5 / (bins - 1))
        claims.append(Claim("hidden", "", "", "since", "", began[k]))
    return _family(unit, cell, population.completed, bins, start, stop, prior, claims)


def _family(
    unit: Ints,
    cell: Ints,
    at: Floats,
    n_cells: int,
    start: list[int],
    stop: list[int],
    prior: list[float],
    claims: list[Claim],
) -> Family:
    return Family(
        unit,
        cell,
        at,
        int(n_cells),
        np.array(start, dtype=np.int64),
        np.array(stop, dtype=np.int64),
        np.log(np.array(prior, dtype=np.float64)),
        tuple(claims),
    )
