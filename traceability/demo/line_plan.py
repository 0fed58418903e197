"""One line of the demo factory: all that happened on it, and what was planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from traceability.demo.causes import (
    Cause,
    age_cause,
    drift_cause,
    lot_cause,
    pair_cause,
)
from traceability.demo.company import draw_serviced, keep_company, keep_together
from traceability.demo.crews import (
    Crews,
    draw_crews,
    plain_roster,
    roster_with_decoy,
)
from traceability.demo.factory import Line, operation_index
from traceability.demo.faults import choose_faults
from traceability.demo.genealogy import (
    BAD_LOT,
    PAIRED_LOT,
    Supplies,
    draw_supplies,
    exposure_to_lot,
)
from traceability.demo.maintenance import Machine, draw_machines, draw_overdue
from traceability.demo.outcomes import draw_defects
from traceability.demo.readings import Levels, draw_levels, draw_onset
from traceability.demo.schedule import Ints, Rng, Schedule, draw_schedule
from traceability.demo.truth import Decoy, Truth


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


def plan_healthy_line(rng: Rng, line: Line) -> LinePlan:
    """A line on which nothing is wrong."""
    schedule = draw_schedule(rng, line)
    supplies, _ = draw_supplies(rng, schedule, {})
    roster = plain_roster(rng, len(line.crews))
    return LinePlan(
        schedule=schedule,
        supplies=supplies,
        levels=draw_levels(rng, schedule, None),
        machines=draw_machines(rng, schedule, None, None),
        crews=draw_crews(rng, schedule, roster),
        defects=draw_defects(rng, schedule, supplies, {}),
        truth=Truth((), ()),
    )


def plan_faulty_line(rng: Rng, line: Line) -> LinePlan:
    """A line with four plants, an innocent crew and an innocent machine."""
    faults = choose_faults(rng)
    schedule = draw_schedule(rng, line)
    onset = draw_onset(rng, schedule, faults.drift)
    serviced = draw_serviced(rng, schedule, faults, onset)
    schedule = keep_company(rng, schedule, onset, serviced)
    bad, paired = faults.supply.material, faults.pairing.material
    wanted = {bad: BAD_LOT, paired: PAIRED_LOT}
    supplies, lots = draw_supplies(rng, schedule, wanted)
    of_lot = exposure_to_lot(supplies[paired], lots[paired])
    place = operation_index(faults.pairing.operation)
    schedule = keep_together(rng, schedule, of_lot, place)
    levels = draw_levels(rng, schedule, onset)
    overdue = draw_overdue(rng, schedule, operation_index(faults.neglect.operation))
    machines = draw_machines(rng, schedule, overdue, serviced)
    causes = (
        drift_cause(rng, schedule, faults, onset, levels),
        lot_cause(rng, schedule, faults, supplies[bad], lots[bad]),
        age_cause(rng, schedule, faults, overdue, machines),
        pair_cause(rng, schedule, faults, supplies[paired], lots[paired]),
    )
    crews, decoy = _crews_with_decoy(rng, schedule, causes)
    machine = Decoy(causes[0].plant, (serviced.code(schedule),))
    return LinePlan(
        schedule=schedule,
        supplies=supplies,
        levels=levels,
        machines=machines,
        crews=crews,
        defects=draw_defects(
            rng, schedule, supplies, {c.plant.defect_class: c.risk for c in causes}
        ),
        truth=Truth(tuple(cause.plant for cause in causes), (decoy, machine)),
    )


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
