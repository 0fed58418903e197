"""Derived readings: what breaks things is often a difference or a product of two.

All pairs that could be formed share one small prior mass; only those whose difference
or product separates defective units better than either part are weighed. They are
screened on the defective units and a sample of the others (a case-control design:
Breslow and Day 1980, "Statistical Methods in Cancer Research", volume 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from analytics.core.arrays import Bools, Floats, Ints
from analytics.core.cells import MIN_UNITS
from analytics.core.factors import Numeric
from analytics.core.far import Reading, here, picked

MOST_CASES = 500
MOST_CONTROLS = 400
MOST_PAIRS = 3000
MOST_KEPT = 12
SIGNALS = 24
"""Readings with most to say, whose pairs are looked at across operations too."""
ALIKE = 6.0
"""Spreads of two readings may differ this many times for a difference to mean much."""
TAILS = np.array([0.5, 0.7, 0.8, 0.9, 0.95, 0.98])
GAIN = 4.0
"""Log likelihood ratio that a derived reading must have beyond its parts."""

Units = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Screen:
    """Readings of defective units and of a sample of the others.

    `values`: (readings, units), missing ones at the median; `cases`: of units.
    """

    values: Floats
    cases: Bools

    @classmethod
    def of(
        cls, factors: Sequence[Reading], defective: Bools, inspected: Bools
    ) -> Screen:
        cases = _evenly(np.flatnonzero(defective & inspected), MOST_CASES)
        others = _evenly(np.flatnonzero(inspected & ~defective), MOST_CONTROLS)
        chosen = np.concatenate([cases, others])
        values = np.stack(picked(factors, chosen)).astype(np.float64)
        middle = np.nanmedian(values, axis=1, keepdims=True)
        flags = np.arange(chosen.size) < cases.size
        return cls(np.where(np.isnan(values), middle, values), flags)

    def ratios(self, values: Floats) -> Floats:
        """Log likelihood ratio of the best tail of each row of values, (rows,)."""
        cases, others = values[:, self.cases], values[:, ~self.cases]
        points = np.concatenate([TAILS, 1 - TAILS])
        rank = np.round(points * (others.shape[1] - 1)).astype(np.int64)
        cuts = np.sort(others, axis=1)[:, rank].T[:, :, None]
        upper = (np.arange(points.size) < TAILS.size)[:, None]
        hit = (cases[None] > cuts).mean(axis=2)
        usual = (others[None] > cuts).mean(axis=2)
        hit, usual = np.where(upper, hit, 1 - hit), np.where(upper, usual, 1 - usual)
        ratios = _ratio(hit, usual, cases.shape[1], others.shape[1])
        best: Floats = ratios.max(axis=0)
        return best


def derived_factors(
    factors: Sequence[Reading], defective: Bools, inspected: Bools, units: Units
) -> tuple[list[Numeric], int]:
    """Derived readings worth weighing, and how many could have been formed."""
    usable = [f for f in factors if f.kind == "parameter" and f.varies]
    formed = len(usable) * max(len(usable) - 1, 0)
    controls = int((inspected & ~defective).sum())
    if len(usable) < 2 or not defective.any() or controls < MIN_UNITS:
        return [], formed
    screen = Screen.of(usable, defective, inspected)
    alone = screen.ratios(screen.values)
    found: list[tuple[float, int, int, str]] = []
    for first, others in _pairs(usable, alone):
        parts = np.maximum(alone[first], alone[others])
        for sign in ("-", "*"):
            kept = _meaningful(screen, usable, first, others, sign, units)
            values = _combined(screen.values[first], screen.values[others[kept]], sign)
            gain = screen.ratios(values) - parts[kept] if kept.size else np.zeros(0)
            found.extend(
                (float(gain[k]), first, int(others[kept[k]]), sign)
                for k in np.flatnonzero(gain > GAIN)
            )
    best = sorted(found, key=lambda item: (-item[0], *item[1:]))[:MOST_KEPT]
    return [
        _derived(here(usable[a]), here(usable[b]), sign) for _, a, b, sign in best
    ], formed


def _pairs(factors: Sequence[Reading], alone: Floats) -> Iterator[tuple[int, Ints]]:
    """Each reading with those to its right: of its operation, or both with a signal."""
    strong = set(np.argsort(-alone, kind="stable")[:SIGNALS].tolist())
    chosen = [
        (a, b)
        for a, b in combinations(range(len(factors)), 2)
        if factors[a].operation == factors[b].operation or {a, b} <= strong
    ]
    if len(chosen) > MOST_PAIRS:
        chosen.sort(key=lambda pair: -max(alone[pair[0]], alone[pair[1]]))
        chosen = sorted(chosen[:MOST_PAIRS])
    firsts = np.array([a for a, _ in chosen], dtype=np.int64)
    seconds = np.array([b for _, b in chosen], dtype=np.int64)
    for first in np.unique(firsts):
        yield int(first), seconds[firsts == first]


def _meaningful(
    screen: Screen,
    factors: Sequence[Reading],
    first: int,
    others: Ints,
    sign: str,
    units: Units,
) -> Ints:
    """Differences only of what is measured alike; products of anything."""
    if sign == "*":
        return np.arange(others.size)
    spread = screen.values.std(axis=1) + 1e-12
    share = spread[others] / spread[first]
    alike = (share < ALIKE) & (share > 1 / ALIKE)
    own = units.get((factors[first].operation, factors[first].name), "")
    names = [units.get((factors[b].operation, factors[b].name), "") for b in others]
    known = np.array([bool(own) and bool(name) for name in names], dtype=bool)
    equal = np.array([own == name for name in names], dtype=bool)
    return np.flatnonzero(np.where(known, equal, alike))


def _combined(first: Floats, others: Floats, sign: str) -> Floats:
    combined: Floats = first - others if sign == "-" else first * others
    return combined


def _derived(first: Numeric, second: Numeric, sign: str) -> Numeric:
    """The later of the two readings says where and when."""
    later = second if np.nanmax(second.at - first.at, initial=0.0) > 0 else first
    a, b = first.values.astype(np.float64), second.values.astype(np.float64)
    names = (first.name, second.name)
    if sign == "-" and np.nanmedian(a) < np.nanmedian(b):
        a, b, names = b, a, names[::-1]
    values = _combined(a, b, sign).astype(np.float32)
    return replace(later, name=f" {sign} ".join(names), values=values)


def _evenly(items: Ints, most: int) -> Ints:
    if items.size <= most:
        return items
    return items[np.linspace(0, items.size - 1, most).round().astype(np.int64)]


def _ratio(hit: Floats, usual: Floats, n: int, m: int) -> Floats:
    """Of two shares against one common share, where the first is larger."""
    both = (n * hit + m * usual) / (n + m)
    ratio = n * _entropy(hit, both) + m * _entropy(usual, both)
    return np.where(hit > usual, ratio, 0.0)


def _entropy(share: Floats, other: Floats) -> Floats:
    """Kullback-Leibler divergence of two Bernoulli shares."""
    low, high = np.clip(share, 1e-9, 1 - 1e-9), np.clip(other, 1e-9, 1 - 1e-9)
    divergence: Floats = low * np.log(low / high)
    divergence += (1 - low) * np.log((1 - low) / (1 - high))
    return divergence
