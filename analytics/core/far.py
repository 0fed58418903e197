"""Readings that are kept elsewhere: what is asked of them instead of their values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analytics.core.arrays import Ints
from analytics.core.cells import Far
from analytics.core.columns import FarColumns, Key, Values
from analytics.core.factors import Numeric, Visit


class FarReadings(FarColumns):
    """Columns that are screened where they are kept: what a study asks of them."""

    @abstractmethod
    def readings(self, met: Mapping[str, Visit]) -> Iterable[FarReading]:
        """All columns cut into hypotheses, as `thresholds` does."""

    @abstractmethod
    def picked(self, keys: Sequence[Key], units: Ints) -> list[Values]:
        """Values of some units, for each of these columns."""


@dataclass(frozen=True)
class FarReading:
    """A parameter whose values are kept elsewhere; `varies` as that of `Numeric`."""

    operation: str
    name: str
    visit: Visit
    varies: bool
    families: tuple[Far, ...]
    columns: FarReadings
    kind: str = "parameter"

    def here(self) -> Numeric:
        """With its values."""
        values = self.columns[self.operation, self.name]
        return self.visit.numeric(self.kind, self.operation, self.name, values)


Reading = Numeric | FarReading


def here(factor: Reading) -> Numeric:
    return factor.here() if isinstance(factor, FarReading) else factor


def picked(factors: Sequence[Reading], units: Ints) -> list[Values]:
    """Values of some units, for each factor; far ones are asked for at once."""
    far = [factor for factor in factors if isinstance(factor, FarReading)]
    asked = iter(_far_values(far, units))
    return [
        next(asked) if isinstance(factor, FarReading) else factor.values[units]
        for factor in factors
    ]


def _far_values(factors: Sequence[FarReading], units: Ints) -> list[Values]:
    if not factors:
        return []
    keys = [(factor.operation, factor.name) for factor in factors]
    return factors[0].columns.picked(keys, units)
