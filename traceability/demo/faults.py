"""Which fault can leave which defect, and the four that a seed chooses."""

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
class Pairing:
    """A material of which one lot does not suit one machine of an operation."""

    material: str
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
    pairing: Pairing
    pairing_class: str

    @property
    def machines_at(self) -> frozenset[str]:
        """The operations whose machines have a part in any of them."""
        return frozenset(
            (self.drift.operation, self.neglect.operation, self.pairing.operation)
        )


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
PAIRINGS = (
    Pairing("LAMINATE", "LAMINATION", ("open", "mousebite", "pin-hole")),
    Pairing("LAMINATE", "EXPOSURE", ("open", "short")),
    Pairing("LAMINATE", "ETCHING", ("open", "mousebite", "copper")),
    Pairing("DRY-FILM", "EXPOSURE", ("open", "short", "spur")),
    Pairing("DRY-FILM", "DEVELOPING", ("copper", "short", "spur")),
    Pairing("DRY-FILM", "ETCHING", ("open", "mousebite", "spur")),
)
"""A warped laminate in one frame, a slow film under one ageing lamp, and the like."""


def choose_faults(rng: np.random.Generator) -> Faults:
    """Four faults that leave four classes of defects and do not meet.

    Drift, bad lot and late maintenance are at three operations. The pair has the
    other material, and its machine is at an operation of its own.
    """
    options = _distinct_faults()
    return options[int(rng.integers(len(options)))]


def _distinct_faults() -> list[Faults]:
    return [
        Faults(drift, one, supply, two, neglect, three, pairing, four)
        for drift, supply, neglect, pairing in product(
            DRIFTS, SUPPLIES, NEGLECTS, PAIRINGS
        )
        if _apart(drift, supply, neglect, pairing)
        for one, two, three, four in product(
            drift.defect_classes,
            supply.defect_classes,
            neglect.defect_classes,
            pairing.defect_classes,
        )
        if len({one, two, three, four}) == 4
    ]


def _apart(drift: Drift, supply: Supply, neglect: Neglect, pairing: Pairing) -> bool:
    return (
        len({drift.operation, supply.operation, neglect.operation}) == 3
        and pairing.operation not in (drift.operation, neglect.operation)
        and pairing.material != supply.material
    )
