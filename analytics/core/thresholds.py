"""Hypotheses of numbers: above and below a threshold, of all machines and of one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analytics.core.arrays import Bools, Floats, Ints
from analytics.core.cells import MIN_UNITS, Codes, Family
from analytics.core.claims import Simple
from analytics.core.factors import NOBODY, Numeric
from analytics.core.salience import drift_score, overdue_score

MACHINE_SHARE = 0.5
"""Prior share of the machines by themselves, where an operation has several."""
MOST_EXPOSED = 0.75
"""Share of the units that a threshold may leave on the harmful side."""
QUANTILES = (
    *(0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9),
    *(0.925, 0.95, 0.965, 0.98, 0.99, 0.995),
)
POINTS = np.unique([*QUANTILES, *(1 - q for q in QUANTILES)])
COMMISSIONING = "commissioning"
FINE_POINTS = np.union1d(POINTS, np.linspace(0.02, 0.98, 97))
SAMPLE = 20_000
"""Values from which quantile points are taken; evenly spaced in time when more."""


def thresholds(factor: Numeric) -> Iterator[Family]:
    """Above and below quantile points; pooled, and on each machine by itself."""
    known = np.isfinite(factor.values)
    machines = _machines(factor, known)
    pooled_share = 1.0 if machines.size < 2 else 1.0 - MACHINE_SHARE
    pooled = _cuts(factor, known, "")
    if pooled is not None and factor.name == COMMISSIONING:
        yield pooled.kept(_between_machines(factor, pooled))
        return
    if pooled is not None:
        yield pooled.scaled(pooled_share)
    if machines.size < 2:
        return
    for code in machines:
        own = _cuts(factor, known & (factor.equipment == code), factor.machines[code])
        if own is not None:
            yield own.scaled(MACHINE_SHARE / machines.size)


def _between_machines(factor: Numeric, family: Family) -> Ints:
    """Cuts with a machine wholly above: within the life of one it is the calendar."""
    known = np.isfinite(factor.values) & (factor.equipment != NOBODY)
    ages = factor.values[known]
    youngest = np.full(len(factor.machines), np.inf)
    np.minimum.at(youngest, factor.equipment[known], ages)
    oldest_start = youngest[np.isfinite(youngest)].max(initial=-np.inf)
    cuts = np.array([family.claims[i].cut for i in range(family.size)])
    return np.flatnonzero(cuts < oldest_start)


def _machines(factor: Numeric, known: Bools) -> np.ndarray:
    present = np.bincount(factor.equipment[known] + 1, minlength=1)[1:]
    return np.flatnonzero(present)


def zoomed(factor: Numeric, family: Family) -> Family:
    """The family of a factor cut finely, with the same prior share as a whole."""
    machine = family.claims[0].level
    own = np.isfinite(factor.values)
    if machine:
        own &= factor.equipment == factor.machines.index(machine)
    fine = _cuts(factor, own, machine, FINE_POINTS)
    return family if fine is None else fine.scaled(family.share / fine.share)


def _cuts(
    factor: Numeric, own: Bools, machine: str, points: Floats = POINTS
) -> Family | None:
    """The family of one set of units; None where they are too few to be cut."""
    values = factor.values[own]
    if values.size < 2 * MIN_UNITS:
        return None
    series = values[:: max(values.size // SAMPLE, 1)].astype(np.float64)
    ordered = np.sort(series)
    edges = edges_of(ordered, points)
    n = edges.size + 1
    low, high = ordered[_rank(np.array([1 - MOST_EXPOSED, MOST_EXPOSED]), ordered)]
    places = np.arange(edges.size)
    above = places[edges >= low]
    below = places[edges <= high] if factor.kind != "age" else places[:0]
    start = np.concatenate([above + 1, np.zeros(below.size, dtype=np.int64)])
    stop = np.concatenate([np.full(above.size, n), below + 1])
    shapes = ["above"] * above.size + ["below"] * below.size
    cuts = edges[np.concatenate([above, below])]
    cell = _cells(values, edges, own)
    place = (factor.kind, factor.operation, factor.name)
    claims = Simple(*place, shapes, [machine] * cuts.size, cuts)
    family = Family(
        None,
        cell,
        factor.at,
        n,
        start,
        stop,
        np.full(cuts.size, -np.log(max(cuts.size, 1))),
        claims,
        _salience(factor.kind, series),
    )
    running = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=n)[:n])])
    return family.kept(np.flatnonzero(running[stop] - running[start] >= MIN_UNITS))


def _cells(values: Floats, edges: Floats, own: Bools) -> Codes:
    """The slice of each unit's value; units of others are in none."""
    cell = np.full(own.size, edges.size + 1, dtype=np.uint8)
    cell[own] = np.searchsorted(edges.astype(values.dtype), values, side="left")
    return cell


def edges_of(ordered: Floats, points: Floats) -> Floats:
    """Quantile points of rising values, each halfway to the next larger value."""
    below = ordered[_rank(points, ordered)]
    after = np.searchsorted(ordered, below, side="right")
    inside = after < ordered.size
    edges: Floats = np.unique((below[inside] + ordered[after[inside]]) / 2)
    return edges


def _rank(points: Floats, ordered: Floats) -> Ints:
    """Places of quantile points among rising values."""
    return np.floor(points * (ordered.size - 1)).astype(np.int64)


def _salience(kind: str, series: Floats) -> float:
    return overdue_score(series) if kind == "age" else drift_score(series)
