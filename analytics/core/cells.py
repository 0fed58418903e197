"""Cells: every hypothesis is a run of cells, so sums over cells are all it takes.

A factor cuts its units into cells (a level, a stretch of a level's life, a slice of
a reading's range) in an order that makes each hypothesis of the factor a run of
neighbouring cells. Observed and expected counts are summed over cells, once, in one
pass over the data; hypotheses are differences of their running totals. The sums add
up over partitions of the units, and no matrix of units by hypotheses exists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analytics.core.arrays import Bools, Floats, Ints, group_sums

MIN_UNITS = 5
"""Units below which a set is not a hypothesis."""
UNITS_PER_BIN = 10
"""Units that a stretch of time has at least, on average."""
EVERYWHERE = frozenset({"operator", "shift"})
"""Kinds whose levels are the same at every operation."""


@dataclass(frozen=True)
class Claim:
    """What a hypothesis says of its units.

    `shape`: level, onset (level from `cut`, seconds, on), above or below (the value
    `cut`), pair, window (from `cut` to `until`, seconds) or since (from `cut` on).
    `level` is a level, an equipment, or "" for all equipment.
    """

    kind: str
    operation: str
    factor: str
    shape: str
    level: str = ""
    cut: float = float("nan")
    until: float = float("nan")
    other_factor: str = ""
    other_level: str = ""

    @property
    def group(self) -> tuple[str, ...]:
        """Claims of one group are one answer in several precisions.

        People are one answer wherever they work; thresholds and onsets are one
        answer wherever they lie.
        """
        if self.kind == "hidden":
            return ("hidden",)
        if self.kind in EVERYWHERE:
            return (self.kind, self.level)
        where = self.shape if self.shape in ("above", "below") else self.level
        place = (self.kind, self.operation, self.factor, where)
        return (*place, self.other_factor, self.other_level)


@dataclass(frozen=True)
class Family:
    """The hypotheses of one factor: runs `start`..`stop` (exclusive) of its cells.

    One entry of `unit`, `cell`, `at` (seconds, NaN unknown) for each thing met.
    `log_prior`: log of the prior share of each hypothesis. `salience`: how much the
    factor stands out by itself, compared within its kind.
    """

    unit: Ints
    cell: Ints
    at: Floats
    n_cells: int
    start: Ints
    stop: Ints
    log_prior: Floats
    claims: tuple[Claim, ...]
    salience: float = 1.0

    def scaled(self, share: float) -> Family:
        """The same family with its prior share multiplied."""
        return replace(self, log_prior=self.log_prior + np.log(share))

    @property
    def share(self) -> float:
        """Its prior share within its kind, before kinds are weighed."""
        return float(np.exp(self.log_prior).sum())


def family_of(
    unit: Ints,
    cell: Ints,
    at: Floats,
    n_cells: int,
    start: list[int],
    stop: list[int],
    prior: list[float],
    claims: list[Claim],
) -> Family:
    """A family from plain lists; `prior` are shares, not logs."""
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


@dataclass(frozen=True)
class CellSpace:
    """The cells of all families side by side.

    `unit`, `cell`: one entry for each thing met. `start`, `stop`, `log_prior`,
    `claims`: one for each hypothesis.
    """

    unit: Ints
    cell: Ints
    at: Floats
    n_cells: int
    start: Ints
    stop: Ints
    log_prior: Floats
    claims: tuple[Claim, ...]

    @classmethod
    def of(cls, families: list[Family]) -> CellSpace:
        offsets = np.concatenate([[0], np.cumsum([f.n_cells for f in families])])
        shifted = list(zip(families, offsets[:-1], strict=True))
        return cls(
            unit=_joined([f.unit for f in families]),
            cell=_joined([f.cell + offset for f, offset in shifted]),
            at=_joined_floats([f.at for f in families]),
            n_cells=int(offsets[-1]),
            start=_joined([f.start + offset for f, offset in shifted]),
            stop=_joined([f.stop + offset for f, offset in shifted]),
            log_prior=_joined_floats([f.log_prior for f in families]),
            claims=tuple(claim for f in families for claim in f.claims),
        )

    @property
    def size(self) -> int:
        return len(self.claims)

    def seen(self, inspected: Bools, seen_at: Floats) -> CellSpace:
        """Only what inspected units met before they were looked at."""
        early = ~(self.at > seen_at[self.unit])
        kept = inspected[self.unit] & early
        return CellSpace(
            self.unit[kept],
            self.cell[kept],
            self.at[kept],
            self.n_cells,
            self.start,
            self.stop,
            self.log_prior,
            self.claims,
        )

    def sums(self, weights: Floats, strata: Ints, n_strata: int) -> Floats:
        """Sum of a weight of units by hypothesis and stratum, (hypotheses, strata)."""
        code = self.cell * n_strata + strata[self.unit]
        cells = group_sums(code, weights[self.unit], self.n_cells * n_strata)
        running = np.zeros((self.n_cells + 1, n_strata))
        np.cumsum(cells.reshape(self.n_cells, n_strata), axis=0, out=running[1:])
        return running[self.stop] - running[self.start]

    @cached_property
    def _by_cell(self) -> tuple[Ints, Ints]:
        """Units in order of cell, and where each cell begins."""
        order = np.argsort(self.cell, kind="stable")
        counts = np.bincount(self.cell, minlength=self.n_cells)
        return self.unit[order], np.concatenate([[0], np.cumsum(counts)])

    def members(self, hypothesis: int) -> Ints:
        """The exposed units, each once."""
        units, begins = self._by_cell
        span = slice(begins[self.start[hypothesis]], begins[self.stop[hypothesis]])
        return np.unique(units[span])


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _joined_floats(parts: list[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *parts])
