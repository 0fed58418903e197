"""Hypotheses of numbers: above and below a threshold, of all machines and of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from analytics.core.arrays import Bools, Floats, Ints
from analytics.core.cells import MIN_UNITS, Codes, Family
from analytics.core.claims import Simple, repeated
from analytics.core.factors import NOBODY, Numeric
from analytics.core.grouping import Groups, edges_of
from analytics.core.salience import drift_scores, overdue_scores

MACHINE_SHARE = 0.5
"""Prior share of the machines by themselves, where an operation has several."""
MOST_EXPOSED = 0.75
"""Share of the units that a threshold may leave on the harmful side."""
QUANTILES = (
    *(0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9),
    *(0.925, 0.95, 0.965, 0.98, 0.99, 0.995),
)
POINTS = np.unique([*QUANTILES, *(1 - q for q in QUANTILES)])
FINE_POINTS = np.union1d(POINTS, np.linspace(0.02, 0.98, 97))
COMMISSIONING = "commissioning"
COMMISSIONING_SHARE = 0.25
"""Of the prior share of an age: machines differ in much else than in years."""


def thresholds(factor: Numeric, points: Floats = POINTS) -> Iterator[Family]:
    """Above and below quantile points: of all machines, then of each by itself."""
    known = np.isfinite(factor.values)
    if known.sum() < 2 * MIN_UNITS:
        return
    whole, machines = _groups(factor, known)
    alone = machines.n < 2 or factor.name == COMMISSIONING
    pooled = _cuts(factor, whole, points)
    if factor.name == COMMISSIONING:
        between = _between_machines(factor, pooled)
        pooled = pooled.kept(between).scaled(COMMISSIONING_SHARE)
    if pooled.size:
        yield pooled.scaled(1.0 if alone else 1.0 - MACHINE_SHARE)
    if alone:
        return
    own = _cuts(factor, machines, points)
    if own.size:
        yield own.scaled(MACHINE_SHARE)


def zoomed(factor: Numeric, family: Family) -> Family:
    """The family of a factor cut finely, with the same prior share as a whole."""
    if factor.name == COMMISSIONING:
        return family
    whole, machines = _groups(factor, np.isfinite(factor.values))
    groups = machines if family.claims[0].level else whole
    fine = _cuts(factor, groups, FINE_POINTS)
    return replace(fine, log_prior=_spread_finely(family, fine))


def _spread_finely(coarse: Family, fine: Family) -> Floats:
    """Prior of finer cuts: each machine and direction keeps its share."""
    shares: dict[tuple[str, str], float] = {}
    for place, log_prior in enumerate(coarse.log_prior):
        key = _machine_and_side(coarse, place)
        shares[key] = shares.get(key, 0.0) + float(np.exp(log_prior))
    keys = [_machine_and_side(fine, place) for place in range(fine.size)]
    counts = Counter(keys)
    least = min(shares.values())
    return np.log([shares.get(key, least) / counts[key] for key in keys])


def _machine_and_side(family: Family, place: int) -> tuple[str, str]:
    claim = family.claims[place]
    return claim.level, claim.shape


def forget() -> None:
    """Let go of the groups of the last bundle."""
    _all_in_one.cache_clear()
    _by_machine.cache_clear()


def _groups(factor: Numeric, known: Bools) -> tuple[Groups, Groups]:
    """All units as one group, and those of each machine."""
    if known.all():
        return _all_in_one(known.size), _by_machine(Shared(factor))
    one = np.where(known, 0, NOBODY)
    code = np.where(known, factor.equipment, NOBODY)
    return Groups.of(one, ("",)), Groups.of(code, factor.machines)


class Shared:
    """The machines of an operation: equal where the very same arrays are meant."""

    def __init__(self, factor: Numeric) -> None:
        self.code, self.names = factor.equipment, factor.machines

    def __hash__(self) -> int:
        return id(self.code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shared) and self.code is other.code


@lru_cache(maxsize=4)
def _all_in_one(size: int) -> Groups:
    return Groups.of(np.zeros(size, dtype=np.int64), ("",))


@lru_cache(maxsize=64)
def _by_machine(shared: Shared) -> Groups:
    return Groups.of(shared.code, shared.names)


def _between_machines(factor: Numeric, family: Family) -> Ints:
    """Cuts with a machine wholly above: within the life of one it is the calendar."""
    known = np.isfinite(factor.values) & (factor.equipment != NOBODY)
    ages = factor.values[known]
    youngest = np.full(len(factor.machines), np.inf)
    np.minimum.at(youngest, factor.equipment[known], ages)
    oldest_start = youngest[np.isfinite(youngest)].max(initial=-np.inf)
    cuts = np.array([family.claims[i].cut for i in range(family.size)])
    return np.flatnonzero(cuts < oldest_start)


def _cuts(factor: Numeric, groups: Groups, points: Floats) -> Family:
    """Above (and, but for ages, below) each edge of each group of units."""
    series = factor.values[groups.sample.unit]
    edges, group = edges_of(series, groups.sample, points)
    counts = np.bincount(group, minlength=groups.n)
    first = np.cumsum(counts + 1) - (counts + 1)
    cell, n = _cells(factor, groups, edges, np.cumsum(counts) - counts, first)
    place = first[group] + np.arange(edges.size) - (np.cumsum(counts) - counts)[group]
    start = np.concatenate([place + 1, first[group]])
    stop = np.concatenate([(first + counts + 1)[group], place + 1])
    both = np.concatenate([group, group])
    kept = _worth(cell, start, stop, both, n, groups)
    if factor.kind == "age":
        kept = kept[kept < edges.size]
    both, cuts = both[kept], np.concatenate([edges, edges])[kept]
    shapes = np.where(kept < edges.size, "above", "below").tolist()
    claims = Simple(
        factor.kind,
        factor.operation,
        factor.name,
        shapes,
        repeated(groups.names, both).tolist(),
        cuts,
    )
    share = np.bincount(both, minlength=groups.n)[both] * groups.n
    scores = overdue_scores if factor.kind == "age" else drift_scores
    return Family(
        None,
        cell,
        factor.at,
        n,
        start[kept],
        stop[kept],
        -np.log(np.maximum(share, 1)),
        claims,
        scores(series, groups.sample)[both],
    )


def _worth(
    cell: Codes, start: Ints, stop: Ints, group: Ints, n: int, groups: Groups
) -> Ints:
    """Hypotheses with enough units, and not of nearly all."""
    running = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=n)[:n])])
    exposed = running[stop] - running[start]
    sizes = np.bincount(groups.code, minlength=groups.n)[group]
    return np.flatnonzero((exposed >= MIN_UNITS) & (exposed <= MOST_EXPOSED * sizes))


def _cells(
    factor: Numeric, groups: Groups, edges: Floats, begins: Ints, first: Ints
) -> tuple[Codes, int]:
    """The slice of each unit's value within its group, and how many slices there are.

    Units of no group are in none.
    """
    n = edges.size + groups.n
    cell: Codes = np.full(groups.size, n, dtype=np.min_scalar_type(n))
    values = factor.values[groups.unit]
    ends = np.append(begins[1:], edges.size)
    own = np.empty(values.size, dtype=cell.dtype)
    for group, places in enumerate(groups.places):
        cuts = edges[begins[group] : ends[group]].astype(values.dtype)
        found = values if groups.n == 1 else values[places]
        slices = np.searchsorted(cuts, found, side="left") + first[group]
        if groups.n == 1:
            own = slices.astype(cell.dtype)
        else:
            own[places] = slices
    cell[groups.unit] = own
    return cell, n
