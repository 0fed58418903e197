"""The plants of a line, each with the exposure of every unit to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traceability.demo.company import usual_machine
from traceability.demo.factory import machine_codes, operation_index
from traceability.demo.faults import Faults
from traceability.demo.genealogy import Supplies, exposure_to_lot
from traceability.demo.maintenance import (
    Machine,
    Overdue,
    exposure_to_age,
    hours_since_maintenance,
)
from traceability.demo.readings import Levels, Onset, exposure_to_level
from traceability.demo.schedule import Floats, Rng, Schedule
from traceability.demo.truth import Plant

RELATIVE_RISK = (7.5, 8.0)


@dataclass(frozen=True)
class Cause:
    """A plant with the exposure (0..1) of every unit to it."""

    plant: Plant
    exposure: Floats

    @property
    def risk(self) -> Floats:
        return 1.0 + (self.plant.relative_risk - 1.0) * self.exposure


def drift_cause(
    rng: Rng, schedule: Schedule, faults: Faults, onset: Onset, levels: Levels
) -> Cause:
    """One reading beyond half its tolerance, on whatever machine it occurs."""
    drift, line = faults.drift, schedule.line
    exposure = exposure_to_level(
        levels[drift.operation, drift.parameter], drift.direction
    )
    plant = Plant(
        kind="parameter",
        line=line.code,
        defect_class=faults.drift_class,
        operation=drift.operation,
        factors=(drift.parameter,),
        level=">" if drift.direction > 0 else "<",
        relative_risk=float(rng.uniform(*RELATIVE_RISK)),
        exposed_share=float(np.mean(exposure > 0)),
        machine=machine_codes(line, onset.place)[onset.machine],
    )
    return Cause(plant, exposure)


def lot_cause(
    rng: Rng, schedule: Schedule, faults: Faults, supplies: Supplies, lot: int
) -> Cause:
    """All units made of one lot."""
    exposure = exposure_to_lot(supplies, lot)
    plant = Plant(
        kind="lot",
        line=schedule.line.code,
        defect_class=faults.supply_class,
        operation=faults.supply.operation,
        factors=(faults.supply.material,),
        level=supplies.numbers[lot],
        relative_risk=float(rng.uniform(*RELATIVE_RISK)),
        exposed_share=float(np.mean(exposure)),
    )
    return Cause(plant, exposure)


def age_cause(
    rng: Rng,
    schedule: Schedule,
    faults: Faults,
    overdue: Overdue,
    machines: tuple[Machine, ...],
) -> Cause:
    """Units made when the maintenance of their machine was overdue."""
    age = hours_since_maintenance(schedule, machines, overdue.operation)
    exposure = exposure_to_age(age, overdue.due)
    operation = faults.neglect.operation
    plant = Plant(
        kind="age",
        line=schedule.line.code,
        defect_class=faults.neglect_class,
        operation=operation,
        factors=(operation, *machine_codes(schedule.line, overdue.operation)),
        level="maintenance",
        relative_risk=float(rng.uniform(*RELATIVE_RISK)),
        exposed_share=float(np.mean(exposure > 0)),
    )
    return Cause(plant, exposure)


def pair_cause(
    rng: Rng, schedule: Schedule, faults: Faults, supplies: Supplies, lot: int
) -> Cause:
    """Units made of one lot on its usual machine; either alone does no harm."""
    pairing, line = faults.pairing, schedule.line
    of_lot = exposure_to_lot(supplies, lot)
    place = operation_index(pairing.operation)
    machine = usual_machine(schedule, of_lot, place)
    exposure = np.where(schedule.machine[:, place] == machine, of_lot, 0.0)
    plant = Plant(
        kind="interaction",
        line=line.code,
        defect_class=faults.pairing_class,
        operation=pairing.operation,
        factors=(pairing.material,),
        level=supplies.numbers[lot],
        relative_risk=float(rng.uniform(*RELATIVE_RISK)),
        exposed_share=float(np.mean(exposure)),
        machine=machine_codes(line, place)[machine],
    )
    return Cause(plant, exposure)
