"""Which fault can leave which defect, and the three that a seed chooses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from traceability.demo.factory import MATERIALS


@dataclass(frozen=True)
class Drift:
    """A reading that leaves its target upwards (+1) or downwards (-1)."""

    operation: str
    parameter: str
    direction: int
    defect_classes: tuple[str, ...]


@dataclass(frozen=True)
class Supply:
    """A material of which one lot is bad."""

    material: str
    defect_classes: tuple[str, ...]

    @property
    def operation(self) -> str:
        return next(m.operation for m in MATERIALS if m.code == self.material)


@dataclass(frozen=True)
class Neglect:
    """An operation whose machines are maintained too late."""

    operation: str
    defect_classes: tuple[str, ...]


@dataclass(frozen=True)
class Faults:
    """The faults of one factory and the class of defect that each one leaves."""

    drift: Drift
    drift_class: str
    supply: Supply
    supply_class: str
    neglect: Neglect
    neglect_class: str


DRIFTS = (
    Drift("PLATING", "current_density", +1, ("copper", "pin-hole")),
    Drift("LAMINATION", "roll_temperature", -1, ("open", "mousebite")),
    Drift("EXPOSURE", "energy", +1, ("short", "spur")),
    Drift("EXPOSURE", "vacuum", -1, ("short", "spur")),
    Drift("DEVELOPING", "carbonate", -1, ("copper", "short")),
    Drift("ETCHING", "etchant_temperature", +1, ("open", "mousebite")),
    Drift("ETCHING", "conveyor_speed", +1, ("short", "spur")),
)
SUPPLIES = (
    Supply("LAMINATE", ("open", "pin-hole")),
    Supply("DRY-FILM", ("open", "mousebite", "pin-hole")),
)
NEGLECTS = (
    Neglect("PLATING", ("copper", "pin-hole")),
    Neglect("LAMINATION", ("open", "mousebite", "pin-hole")),
    Neglect("EXPOSURE", ("open", "pin-hole")),
    Neglect("DEVELOPING", ("copper", "short", "spur")),
    Neglect("ETCHING", ("copper", "short", "spur")),
)


def choose_faults(rng: np.random.Generator) -> Faults:
    """Three faults at three operations that leave three classes of defects."""
    options = _distinct_faults()
    return options[int(rng.integers(len(options)))]


def _distinct_faults() -> list[Faults]:
    return [
        Faults(drift, one, supply, two, neglect, three)
        for drift, supply, neglect in product(DRIFTS, SUPPLIES, NEGLECTS)
        for one, two, three in product(
            drift.defect_classes, supply.defect_classes, neglect.defect_classes
        )
        if len({one, two, three}) == 3
        and len({drift.operation, supply.operation, neglect.operation}) == 3
    ]
