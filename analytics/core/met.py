"""What units met, in order of the units: the rows behind categorical factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Codes, Floats, Ints
from analytics.core.population import Population


@dataclass(frozen=True)
class Met:
    """Rows of a frame in order of their units.

    `unit`: place of each row's unit, `at`: seconds. `once`: no unit has two rows.
    """

    rows: Ints
    unit: Codes
    at: Floats
    once: bool

    @classmethod
    def of(
        cls,
        rows: Ints,
        unit: Codes,
        at: Floats,
        population: Population,
        whole: Floats | None = None,
    ) -> Met:
        """From rows in any order; `unit` and `at` have one entry for each of them.

        Where all units have one row, `unit` is `population.rows` and `at` is
        `whole`, if given: arrays that many factors share.
        """
        if not (unit[1:] >= unit[:-1]).all():
            order = np.argsort(unit, kind="stable")
            rows, unit, at = rows[order], unit[order], at[order]
        once = bool((unit[1:] > unit[:-1]).all())
        if once and unit.size == population.size:
            unit = population.rows
            at = at if whole is None else whole
        return cls(rows, unit, at, once)

    def levels(self, level: Codes) -> tuple[Codes, Codes, Floats]:
        """Unit, level and first time of each level (0 or more) that each unit met.

        `level`: of each row, in this order.
        """
        unit, at = self.unit, self.at
        if not self.once:
            order = self._earliest(level)
            unit, level, at = unit[order], level[order], at[order]
        known = level >= 0
        if known.all():
            return unit, level, at
        return unit[known], level[known], at[known]

    def _earliest(self, level: Codes) -> Ints:
        """The earliest row of each unit and level, in order of unit and level.

        Most units have one row, so only the others are compared.
        """
        again = self.unit[1:] == self.unit[:-1]
        spots = np.flatnonzero(np.append(False, again) | np.append(again, False))
        few = spots[np.lexsort((self.at[spots], level[spots], self.unit[spots]))]
        unit, own = self.unit[few], level[few]
        twice = np.append(False, (unit[1:] == unit[:-1]) & (own[1:] == own[:-1]))
        order = np.arange(level.size)
        order[spots] = few
        return np.delete(order, spots[twice])
