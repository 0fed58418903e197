"""Claims: what a hypothesis says of its units, kept as columns until it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.core.arrays import Floats, Ints

EVERYWHERE = frozenset({"operator", "shift"})
"""Kinds whose levels are the same at every operation."""


@dataclass(frozen=True)
class Claim:
    """What a hypothesis says of its units.

    `shape`: level, onset (level from `cut`, seconds, on), above or below (the value
    `cut`), both (all `parts` hold), window (from `cut` to `until`, seconds) or since
    (from `cut` on). `level` is a level, an equipment, or "" for all equipment.
    """

    kind: str
    operation: str
    factor: str
    shape: str
    level: str = ""
    cut: float = float("nan")
    until: float = float("nan")
    parts: tuple[Claim, ...] = ()

    @property
    def group(self) -> tuple[str, ...]:
        """Claims of one group are one answer in several precisions.

        People are one answer wherever they work; thresholds and onsets are one
        answer wherever they lie.
        """
        if self.parts:
            return (self.kind, *(name for part in self.parts for name in part.group))
        if self.kind == "hidden":
            return ("hidden",)
        if self.kind in EVERYWHERE:
            return (self.kind, self.level)
        where = self.shape if self.shape in ("above", "below") else self.level
        return (self.kind, self.operation, self.factor, where)


class Claims(Protocol):
    """The claims of one family, by place."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int) -> Claim: ...


@dataclass(frozen=True)
class Simple:
    """Claims of one factor as columns, one entry of each for each claim."""

    kind: str
    operation: str
    factor: str
    shapes: Sequence[str]
    levels: Sequence[str]
    cuts: Floats
    untils: Floats | None = None

    def __len__(self) -> int:
        return len(self.cuts)

    def __getitem__(self, place: int) -> Claim:
        until = float("nan") if self.untils is None else float(self.untils[place])
        return Claim(
            self.kind,
            self.operation,
            self.factor,
            str(self.shapes[place]),
            str(self.levels[place]),
            float(self.cuts[place]),
            until,
        )


@dataclass(frozen=True)
class Both:
    """Interactions: claim `first[i]` of one factor and `second[j]` of another."""

    operation: str
    first: Sequence[Claim]
    second: Sequence[Claim]
    i: Ints
    j: Ints

    def __len__(self) -> int:
        return len(self.i)

    def __getitem__(self, place: int) -> Claim:
        parts = (self.first[int(self.i[place])], self.second[int(self.j[place])])
        factor = " & ".join(part.factor for part in parts)
        return Claim("interaction", self.operation, factor, "both", parts=parts)


@dataclass(frozen=True)
class Kept:
    """Some of the claims of a family."""

    claims: Claims
    which: Ints

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, place: int) -> Claim:
        return self.claims[int(self.which[place])]


def repeated(names: Sequence[str], place: Ints) -> NDArray[Any]:
    """Names by place, as an array of shared texts."""
    found: NDArray[Any] = np.array(names, dtype=object)[place]
    return found
