"""Cells: every hypothesis is a run of cells, so sums over cells are all it takes.

A factor cuts its units into cells (a level, a stretch of a level's life, a slice of
a reading's range) in an order that makes each hypothesis of the factor a run of
neighbouring cells. Observed and expected counts are summed over cells, in one pass
over the data; hypotheses are differences of their running totals. The sums add up
over partitions of the units, and no matrix of units by hypotheses exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.core.arrays import AnyInts, Floats, Ints
from analytics.core.claims import Claim, Claims, Kept
from analytics.core.columns import Key

MIN_UNITS = 5
"""Units below which a set is not a hypothesis."""
UNITS_PER_BIN = 10
"""Units that a stretch of time has at least, on average."""
SPARSE = 0.25
"""Share of weighted units below which the others are left out of a sum."""

Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Family:
    """The hypotheses of one factor: runs `start`..`stop` (exclusive) of its cells.

    `cell`: one entry for each unit, or, where a unit may meet several, for each entry
    of `unit`; `n_cells` marks a unit that is in none. `at`: when it was met (seconds,
    NaN unknown), None where time does not matter. `log_prior`: log of the prior share
    of each hypothesis. `salience`: how much the series of each hypothesis stands out by
    itself, compared within its kind; None where nothing can. `derived`: not recorded
    itself, but computed from readings.
    """

    unit: AnyInts | None
    cell: Codes
    at: Floats | None
    n_cells: int
    start: Ints
    stop: Ints
    log_prior: Floats
    claims: Claims
    salience: Floats | None = None
    derived: bool = False

    @property
    def size(self) -> int:
        return len(self.claims)

    @property
    def share(self) -> float:
        """Its prior share within its kind, before kinds are weighed."""
        return float(np.exp(self.log_prior).sum())

    def scaled(self, share: float) -> Family:
        """The same family with its prior share multiplied."""
        return replace(self, log_prior=self.log_prior + np.log(share))

    def kept(self, which: Ints) -> Family:
        """Only some of its hypotheses, in this order."""
        return replace(
            self,
            start=self.start[which],
            stop=self.stop[which],
            log_prior=self.log_prior[which],
            claims=Kept(self.claims, which),
            salience=None if self.salience is None else self.salience[which],
        )

    def seen(self, seen_at: Floats) -> Family:
        """Without what units met after they were looked at."""
        if self.at is None:
            return self
        looked = seen_at if self.unit is None else seen_at[self.unit]
        late = np.flatnonzero(self.at > looked)
        return self.without(late) if late.size else self

    def without(self, entries: Ints) -> Family:
        """With some of its entries in no cell."""
        cell = self.cell.copy()
        cell[entries] = self.n_cells
        return replace(self, cell=cell)

    def sums(
        self, weights: Floats, strata: AnyInts, n: int, some: Ints | None
    ) -> Floats:
        """Sum of a weight of units by hypothesis and stratum, (hypotheses, `n`).

        `some`: the only units whose weight is not zero; None for all.
        """
        return self.between(self.running(weights, strata, n, some))

    def between(self, running: Floats) -> Floats:
        """Sums by hypothesis from the running totals over the cells."""
        sums: Floats = running[self.stop] - running[self.start]
        return sums

    def running(
        self, weights: Floats, strata: AnyInts, n: int, some: Ints | None
    ) -> Floats:
        """Sum of a weight over the first 0, 1, … cells by stratum, (cells + 1, `n`)."""
        cell, unit = self._entries(weights, some)
        code = cell.astype(np.int64)
        if n > 1:
            code = code * n + (strata if unit is None else strata[unit])
        own = weights if unit is None else weights[unit]
        cells = np.bincount(code, weights=own, minlength=(self.n_cells + 1) * n)
        running = np.zeros((self.n_cells + 1, n))
        kept = cells.reshape(self.n_cells + 1, n)[:-1]
        np.cumsum(kept, axis=0, out=running[1:])
        return running

    def _entries(
        self, weights: Floats, some: Ints | None
    ) -> tuple[Codes, AnyInts | None]:
        if self.unit is None:
            return (self.cell, None) if some is None else (self.cell[some], some)
        if some is None:
            return self.cell, self.unit
        kept = np.flatnonzero(weights[self.unit])
        return self.cell[kept], self.unit[kept]

    def members(self, place: int) -> Ints:
        """The exposed units of a hypothesis, each once."""
        start, stop = self.start[place], self.stop[place]
        found = np.flatnonzero((self.cell >= start) & (self.cell < stop))
        return found if self.unit is None else np.unique(self.unit[found])


class Home(Protocol):
    """Who keeps the cells of families that are not here."""

    def running(
        self,
        families: Sequence[Far],
        weights: Floats,
        strata: AnyInts,
        n: int,
        some: Ints | None,
    ) -> list[Floats]:
        """`Family.running` of each, computed where the cells are."""
        ...

    def brought(self, family: Far) -> Family:
        """The family with its cells."""
        ...


@dataclass(frozen=True, kw_only=True)
class Far(Family):
    """A family of readings whose cells are kept elsewhere; here `cell` is empty.

    `number`: its place among those of its column. `late`: units that met it only after
    they were looked at.
    """

    home: Home
    column: Key
    number: int
    late: Ints | None = None

    def seen(self, seen_at: Floats) -> Family:
        if self.at is None:
            return self
        late = np.flatnonzero(self.at > seen_at)
        return replace(self, late=late) if late.size else self

    def members(self, place: int) -> Ints:
        return self.home.brought(self).members(place)


@dataclass(frozen=True)
class CellSpace:
    """The families side by side; a hypothesis is numbered across all of them."""

    families: tuple[Family, ...]

    @classmethod
    def of(cls, families: Sequence[Family]) -> CellSpace:
        return cls(tuple(families))

    @cached_property
    def offsets(self) -> Ints:
        """The first hypothesis of each family, and the number of all."""
        sizes = [family.size for family in self.families]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @cached_property
    def log_prior(self) -> Floats:
        return np.concatenate([np.zeros(0), *(f.log_prior for f in self.families)])

    @property
    def size(self) -> int:
        return int(self.offsets[-1])

    def seen(self, seen_at: Floats) -> CellSpace:
        """Only what units met before they were looked at."""
        return CellSpace(tuple(family.seen(seen_at) for family in self.families))

    def sums(self, weights: Floats, strata: AnyInts, n_strata: int) -> Floats:
        """Sum of a weight of units by hypothesis and stratum, (hypotheses, strata)."""
        chosen = np.flatnonzero(weights)
        some = chosen if chosen.size < SPARSE * weights.size else None
        far = iter(self._far_sums(weights, strata, n_strata, some))
        parts = [
            next(far) if isinstance(f, Far) else f.sums(weights, strata, n_strata, some)
            for f in self.families
        ]
        return np.concatenate([np.zeros((0, n_strata)), *parts])

    def _far_sums(
        self, weights: Floats, strata: AnyInts, n: int, some: Ints | None
    ) -> list[Floats]:
        """Of the families that are kept elsewhere, all asked for at once."""
        far = [family for family in self.families if isinstance(family, Far)]
        if not far:
            return []
        running = far[0].home.running(far, weights, strata, n, some)
        return [f.between(own) for f, own in zip(far, running, strict=True)]

    def place(self, hypothesis: int) -> tuple[Family, int]:
        """The family of a hypothesis, and its number in it."""
        number = int(np.searchsorted(self.offsets, hypothesis, side="right")) - 1
        return self.families[number], int(hypothesis - self.offsets[number])

    def members(self, hypothesis: int) -> Ints:
        """The exposed units, each once."""
        family, place = self.place(hypothesis)
        return family.members(place)

    def claim(self, hypothesis: int) -> Claim:
        family, place = self.place(hypothesis)
        return family.claims[place]
