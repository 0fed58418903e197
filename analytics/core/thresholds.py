"""Hypotheses of numbers: above and below a threshold, of all machines and of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from analytics.core.arrays import Floats, Ints
from analytics.core.cells import MIN_UNITS, Claim, Family, family_of
from analytics.core.factors import NOBODY, Numeric
from analytics.core.salience import drift_score, overdue_score

MACHINE_SHARE = 0.5
"""Prior share of the machines by themselves, where an operation has several."""
QUANTILES = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.98)


def thresholds(factor: Numeric) -> Iterator[Family]:
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
    values, at = factor.values[units], factor.at[units]
    edges = _edges(values)
    n, middle = edges.size + 1, float(np.median(values))
    start, stop, claims = [], [], []
    for shape in ("above",) if factor.kind == "age" else ("above", "below"):
        for k, edge in enumerate(edges):
            if edge < middle if shape == "above" else edge > middle:
                continue
            start.append(k + 1 if shape == "above" else 0)
            stop.append(n if shape == "above" else k + 1)
            place = (factor.kind, factor.operation, factor.name)
            claims.append(Claim(*place, shape, machine, float(edge)))
    prior = [1.0 / max(len(claims), 1)] * len(claims)
    cell = np.searchsorted(edges, values, side="left")
    family = family_of(units, cell, at, n, start, stop, prior, claims)
    return replace(family, salience=_salience(factor.kind, values, at))


def _edges(values: Floats) -> Floats:
    """Quantile points, each halfway between two neighbouring values."""
    points = np.quantile(values, sorted({*QUANTILES, *(1 - q for q in QUANTILES)}))
    known = np.unique(values)
    after = np.searchsorted(known, points, side="right")
    after = after[after < known.size]
    edges: Floats = np.unique((known[after - 1] + known[after]) / 2)
    return edges


def _salience(kind: str, values: Floats, at: Floats) -> float:
    ordered = values[np.argsort(at, kind="stable")]
    return overdue_score(ordered) if kind == "age" else drift_score(ordered)
