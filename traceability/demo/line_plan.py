"""One line of the demo factory: all that happened on it, and what was planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from traceability.demo.crews import (
    Crews,
    draw_crews,
    plain_roster,
    roster_with_decoy,
)
from traceability.demo.factory import Line, machine_codes, operation_index
from traceability.demo.faults import Faults, choose_faults
from traceability.demo.genealogy import Supplies, draw_supplies, exposure_to_lot
from traceability.demo.maintenance import (
    Machine,
    Overdue,
    draw_machines,
    draw_overdue,
    exposure_to_age,
    hours_since_maintenance,
)
from traceability.demo.outcomes import draw_defects
from traceability.demo.readings import (
    Levels,
    Onset,
    draw_levels,
    draw_onset,
    exposure_to_level,
)
from traceability.demo.schedule import Floats, Ints, Rng, Schedule, draw_schedule
from traceability.demo.truth import Decoy, Plant, Truth

RELATIVE_RISK = (7.5, 8.0)


@dataclass(frozen=True)
class LinePlan:
    """The past of a line as arrays, one row for each unit of the schedule."""

    schedule: Schedule
    supplies: Mapping[str, Supplies]
    levels: Levels
    machines: tuple[Machine, ...]
    crews: Crews
    defects: Mapping[str, Ints]
    truth: Truth


@dataclass(frozen=True)
class Cause:
    """A plant with the exposure (0..1) of every unit to it."""

    plant: Plant
    exposure: Floats

    @property
    def risk(self) -> Floats:
        return 1.0 + (self.plant.relative_risk - 1.0) * self.exposure


def plan_healthy_line(rng: Rng, line: Line) -> LinePlan:
    """A line on which nothing is wrong."""
    schedule = draw_schedule(rng, line)
    supplies, _ = draw_supplies(rng, schedule, None)
    roster = plain_roster(rng, len(line.crews))
    return LinePlan(
        schedule=schedule,
        supplies=supplies,
        levels=draw_levels(rng, schedule, None),
        machines=draw_machines(rng, schedule, None),
        crews=draw_crews(rng, schedule, roster),
        defects=draw_defects(rng, schedule, supplies, {}),
        truth=Truth((), ()),
    )


def plan_faulty_line(rng: Rng, line: Line) -> LinePlan:
    """A line with a drift, a bad lot and late maintenance, and an innocent crew."""
    schedule = draw_schedule(rng, line)
    faults = choose_faults(rng)
    supplies, bad_lot = draw_supplies(rng, schedule, faults.supply.material)
    onset = draw_onset(rng, schedule, faults.drift)
    levels = draw_levels(rng, schedule, onset)
    neglected = operation_index(faults.neglect.operation)
    overdue = draw_overdue(rng, schedule, neglected)
    machines = draw_machines(rng, schedule, overdue)
    causes = (
        _drift_cause(rng, line, faults, onset, levels),
        _lot_cause(rng, line, faults, supplies[faults.supply.material], bad_lot),
        _age_cause(rng, schedule, faults, overdue, machines),
    )
    crews, decoy = _crews_with_decoy(rng, schedule, causes)
    risks = {cause.plant.defect_class: cause.risk for cause in causes}
    return LinePlan(
        schedule=schedule,
        supplies=supplies,
        levels=levels,
        machines=machines,
        crews=crews,
        defects=draw_defects(rng, schedule, supplies, risks),
        truth=Truth(tuple(cause.plant for cause in causes), (decoy,)),
    )


def _drift_cause(
    rng: Rng, line: Line, faults: Faults, onset: Onset, levels: Levels
) -> Cause:
    drift = faults.drift
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
        machine=machine_codes(line, operation_index(drift.operation))[onset.machine],
    )
    return Cause(plant, exposure)


def _lot_cause(
    rng: Rng, line: Line, faults: Faults, supplies: Supplies, lot: int
) -> Cause:
    exposure = exposure_to_lot(supplies, lot)
    plant = Plant(
        kind="lot",
        line=line.code,
        defect_class=faults.supply_class,
        operation=faults.supply.operation,
        factors=(faults.supply.material,),
        level=supplies.numbers[lot],
        relative_risk=float(rng.uniform(*RELATIVE_RISK)),
        exposed_share=float(np.mean(exposure)),
    )
    return Cause(plant, exposure)


def _age_cause(
    rng: Rng,
    schedule: Schedule,
    faults: Faults,
    overdue: Overdue,
    machines: tuple[Machine, ...],
) -> Cause:
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


def _crews_with_decoy(
    rng: Rng, schedule: Schedule, causes: tuple[Cause, ...]
) -> tuple[Crews, Decoy]:
    """A roster in which one crew keeps company with one of the causes."""
    line = schedule.line
    cause = causes[int(rng.integers(len(causes)))]
    decoy = int(rng.integers(len(line.crews)))
    started = schedule.started[:, operation_index(cause.plant.operation)]
    roster = roster_with_decoy(rng, len(line.crews), decoy, started, cause.exposure)
    crews = draw_crews(rng, schedule, roster)
    return crews, Decoy(cause.plant, crews.levels_of(line.number, decoy))
