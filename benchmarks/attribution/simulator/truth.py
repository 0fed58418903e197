"""What was planted, what was put there to mislead, and what would be without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Planted:
    """One planted cause, named as the contract names causes.

    `level` of a threshold is its direction, ">" or "<"; of an interaction, factor
    and level are pairs. `exposed`: units that met the cause. `acting`: those whose
    risk it multiplies by `lift`; fewer than exposed where the cause works through a
    consequence that not every exposed unit shows. `onset`: seconds since 1970.
    """

    kind: str
    operation: str
    factor: str | tuple[str, str]
    level: str | tuple[str, str]
    exposed: Bools
    acting: Bools
    lift: float
    onset: float | None = None
    threshold: float | None = None
    equipment: str = ""

    def matches(self, cause: Json) -> bool:
        """Does an entry of the answer's `causes` or `chronic` name this?

        A crew works the whole line: it counts at any operation.
        """
        if cause["kind"] != self.kind:
            return False
        if self.kind == "interaction":
            return tuple(cause["level"]) == self.level
        if self.kind == "operator":
            return bool(cause["level"] == self.level)
        if self.kind == "parameter":
            return self._same_place(cause) and str(cause["level"])[:1] == self.level
        if self.kind == "age":
            return self._names_age(cause)
        return self._same_place(cause) and cause["level"] == self.level

    def _same_place(self, cause: Json) -> bool:
        here = cause["operation"] == self.operation
        return bool(here and cause["factor"] == self.factor)

    def _names_age(self, cause: Json) -> bool:
        here = cause["operation"] == self.operation
        whose = cause["factor"] in (self.equipment, self.operation)
        return bool(here and whose and "maintenance" in str(cause["level"]))


@dataclass(frozen=True)
class Decoy:
    """Something innocent that looks guilty; `type` is one of `settings.DECOYS`.

    An alias covers the units of the plant: both of them in one credible set is
    the right answer.
    """

    type: str
    kind: str
    operation: str
    factor: str
    level: str

    def matches(self, cause: Json) -> bool:
        """Does an entry of the answer name this? Thresholds in either direction."""
        if cause["kind"] != self.kind:
            return False
        if self.kind == "operator":
            return bool(cause["level"] == self.level)
        here = cause["operation"] == self.operation
        if self.kind == "age":
            return bool(here and cause["factor"] in (self.level, self.operation))
        same = bool(here and cause["factor"] == self.factor)
        return (
            same and self.kind == "parameter" or same and cause["level"] == self.level
        )


@dataclass(frozen=True)
class Truth:
    """Everything that nobody on a real line would know.

    `log_base`: each unit's log risk with all noise and no plant. `risk`: its true
    probability. `defective_without`: the outcome under the same uniforms without
    the plants. `removed`: the cause whose column is not in the bundle.
    """

    kind: str
    planted: tuple[Planted, ...]
    decoys: tuple[Decoy, ...]
    log_base: Floats
    uniforms: Floats
    risk: Floats
    defective: Bools
    defective_without: Bools
    removed: Planted | None = None

    def attributable(self, planted: Planted) -> int:
        """Defects that would not be there without one plant, the others in place."""
        others = [other for other in self.acting if other is not planted]
        spared = self.uniforms >= risk_of(self.log_base, others)
        return int((self.defective & spared).sum())

    @property
    def acting(self) -> tuple[Planted, ...]:
        """What truly raises the risk, recorded or not."""
        return self.planted if self.removed is None else (self.removed,)


MOST = 0.9


def risk_of(log_base: Floats, plants: list[Planted] | tuple[Planted, ...]) -> Floats:
    """Each unit's probability of a defect."""
    log_risk = log_base.copy()
    for plant in plants:
        log_risk[plant.acting] += np.log(plant.lift)
    return np.minimum(np.exp(log_risk), MOST)
