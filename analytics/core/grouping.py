"""Units of a reading in groups: all of them as one, or one group for each machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.core.arrays import Codes, Floats, Ints
from analytics.core.coding import split

AnyFloats = NDArray[np.floating[Any]]
SAMPLE = 20_000
"""Units from which quantile points are taken, when there are more."""
BLOCKS = 24
UNITS_PER_BLOCK = 10


@dataclass(frozen=True)
class Groups:
    """Units in order of time, each in the group `names[code]`; others are in none.

    `size`: number of all units.
    """

    names: tuple[str, ...]
    unit: Ints
    code: Ints
    size: int

    @classmethod
    def of(cls, code: Codes, names: Sequence[str]) -> Groups:
        """`code`: group of every unit, negative for none; empty groups are left out."""
        unit = np.flatnonzero(code >= 0)
        present, own = np.unique(code[unit], return_inverse=True)
        return cls(tuple(names[i] for i in present), unit, own, code.size)

    @property
    def n(self) -> int:
        return len(self.names)

    @cached_property
    def places(self) -> list[Ints]:
        """Places in `unit` of each group, in order of time."""
        return split(self.code, self.n)

    @cached_property
    def sample(self) -> Groups:
        """About `SAMPLE` of the units, drawn by chance (always the same) in each group.

        Every k-th unit would miss a machine that gets every k-th unit.
        """
        if self.unit.size <= SAMPLE:
            return self
        rng = np.random.default_rng(0)
        share = SAMPLE / self.unit.size
        drawn = [
            rng.choice(places, int(np.ceil(places.size * share)), replace=False)
            for places in self.places
        ]
        kept = np.sort(np.concatenate(drawn))
        return Groups(self.names, self.unit[kept], self.code[kept], self.size)

    @cached_property
    def blocks(self) -> tuple[Ints, Ints]:
        """A stretch of time for each entry, numbered across groups, and its group."""
        counts = np.bincount(self.code, minlength=self.n)
        n_blocks = np.clip(counts // UNITS_PER_BLOCK, 1, BLOCKS)
        first = np.cumsum(n_blocks) - n_blocks
        block = np.empty(self.unit.size, dtype=np.int64)
        for group, places in enumerate(self.places):
            rank = np.arange(places.size)
            block[places] = first[group] + rank * n_blocks[group] // counts[group]
        return block, np.repeat(np.arange(self.n), n_blocks)


def edges_of(values: AnyFloats, groups: Groups, points: Floats) -> tuple[Floats, Ints]:
    """Quantile points of each group, each halfway to the next larger value.

    `values`: of the units of the groups. Returns edges and their groups, both rising.
    """
    ordered = np.concatenate([np.sort(values[places]) for places in groups.places])
    ordered = ordered.astype(np.float64)
    counts = np.array([places.size for places in groups.places])
    code = np.repeat(np.arange(groups.n), counts)
    ends = np.cumsum(counts)
    rank = np.floor(points[None, :] * (counts - 1)[:, None]).astype(np.int64)
    place = ((ends - counts)[:, None] + rank).ravel()
    group = np.repeat(np.arange(groups.n), points.size)
    after = _next_larger(ordered, code)[place]
    inside = after < ends[group]
    place, after, group = place[inside], after[inside], group[inside]
    new = np.append(True, after[1:] != after[:-1])[: after.size]
    return (ordered[place] + ordered[after])[new] / 2, group[new]


def _next_larger(ordered: Floats, code: Ints) -> Ints:
    """For each place the first one after it with another value or another group."""
    last = np.append((ordered[1:] != ordered[:-1]) | (code[1:] != code[:-1]), True)
    runs = np.where(last, np.arange(ordered.size), ordered.size)
    after: Ints = np.minimum.accumulate(runs[::-1])[::-1] + 1
    return after
