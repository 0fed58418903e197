"""What a worker of a cluster keeps: some reading columns of one operation, all units.

The columns are read, checked and cut by the functions that do so in one process, and
summed by them, so a cluster gives the same floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from analytics.bundle_readings import column_of
from analytics.core.arrays import Floats, Ints
from analytics.core.cells import Codes, Family
from analytics.core.columns import Key, Values, in_order
from analytics.core.factors import Numeric, Visit
from analytics.core.fingerprint import values_sha256
from analytics.core.thresholds import thresholds
from analytics.provenance import code_sha256


@dataclass(frozen=True)
class Asked:
    """A family by its column and number, and entries of it that are in no cell."""

    key: Key
    number: int
    late: Ints | None


@dataclass(frozen=True)
class Weights:
    """A weight of each of `size` units: all of them, or those of `some` units."""

    values: Floats
    some: Ints | None
    size: int

    @classmethod
    def of(cls, weights: Floats, some: Ints | None) -> Weights:
        values = weights if some is None else weights[some]
        return cls(values, some, weights.size)

    def whole(self) -> Floats:
        if self.some is None:
            return self.values
        weights = np.zeros(self.size)
        weights[self.some] = self.values
        return weights


@dataclass(frozen=True)
class About:
    """What is told of a column: all but its values and the cells of its families."""

    key: Key
    varies: bool
    sha256: bytes
    families: tuple[Family, ...]


@dataclass(frozen=True)
class Partition:
    """Columns and their families, by operation and parameter."""

    factors: dict[Key, Numeric]
    families: dict[Key, tuple[Family, ...]]

    @classmethod
    def of(
        cls, paths: Sequence[Path], order: Ints | None, n_units: int, visit: Visit
    ) -> Partition:
        """:raises BundleError: a file cannot be read or breaks the contract."""
        columns = in_order(map(column_of, paths), order, n_units)
        factors = {
            key: visit.numeric("parameter", *key, values)
            for key, values in columns.items()
        }
        families = {key: tuple(thresholds(own)) for key, own in factors.items()}
        return cls(factors, families)

    def about(self, keys: Sequence[Key]) -> list[About]:
        """What is told of some columns."""
        return [
            About(
                key,
                self.factors[key].varies,
                values_sha256(self.factors[key].values),
                tuple(_bare(family) for family in self.families[key]),
            )
            for key in keys
        ]

    def running(
        self, asked: Sequence[Asked], weights: Weights, strata: Ints, n: int
    ) -> list[Floats]:
        """Running totals of a weight over the cells of families."""
        whole = weights.whole()
        return [
            self._family(one).running(whole, strata, n, weights.some) for one in asked
        ]

    def picked(self, keys: Sequence[Key], units: Ints) -> list[Values]:
        """Values of some units, for each column."""
        return [self.factors[key].values[units] for key in keys]

    def cell(self, asked: Asked) -> Codes:
        return self._family(asked).cell

    def _family(self, asked: Asked) -> Family:
        family = self.families[asked.key][asked.number]
        return family if asked.late is None else family.without(asked.late)

    def __sizeof__(self) -> int:
        """Bytes, by which a cluster decides what it may move or spill."""
        values = sum(factor.values.nbytes for factor in self.factors.values())
        own = (family for each in self.families.values() for family in each)
        return values + sum(family.cell.nbytes for family in own)


def same_here(folder: str) -> tuple[bool, str]:
    """Does this machine see the folder, and what code does it run?"""
    return Path(folder).is_dir(), code_sha256()


def _bare(family: Family) -> Family:
    return replace(family, cell=family.cell[:0], at=None)
