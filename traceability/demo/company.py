"""Who ran where for a reason: what planners do, and what confuses an analysis.

The second decoy is a machine that was maintained on the day on which the drift began.
Since then it also gets most batches of the drifting machine. It does nothing to them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from traceability.demo.factory import OPERATIONS, machine_codes
from traceability.demo.faults import Faults
from traceability.demo.readings import Onset
from traceability.demo.schedule import Bools, Floats, Rng, Schedule

COMPANY = 0.72
"""The share of the drifting machine's batches that the serviced one gets."""
TOGETHER = 0.55
"""The share of a large lot that is made on one machine, at least."""


@dataclass(frozen=True)
class Serviced:
    """A machine, as its place at an operation, and the hour of its maintenance."""

    operation: int
    machine: int
    at: float

    def code(self, schedule: Schedule) -> str:
        return machine_codes(schedule.line, self.operation)[self.machine]


def draw_serviced(
    rng: Rng, schedule: Schedule, faults: Faults, onset: Onset
) -> Serviced:
    """A machine at an operation where nothing is wrong, maintained as it began."""
    free = [
        place
        for place, operation in enumerate(OPERATIONS)
        if operation.code not in faults.machines_at
    ]
    operation = int(rng.choice(free))
    machine = int(rng.integers(schedule.line.machines[operation]))
    return Serviced(operation, machine, onset.at + onset.hours / 2)


def keep_company(
    rng: Rng, schedule: Schedule, onset: Onset, serviced: Serviced
) -> Schedule:
    """The schedule with batches of the drifting machine sent to the serviced one."""
    first = schedule.first_of_batch()
    drifting = schedule.machine[first, onset.place] == onset.machine
    since = schedule.started[first, onset.place] >= serviced.at
    sent = drifting & since & (rng.random(schedule.batches) < COMPANY)
    return _sent(schedule, sent, serviced.operation, serviced.machine)


def keep_together(rng: Rng, schedule: Schedule, of_lot: Floats, place: int) -> Schedule:
    """The schedule with most of a lot (1 for its units) on its usual machine.

    `place`: of the operation. Planners keep a material on the machine set up for it.
    """
    usual = usual_machine(schedule, of_lot, place)
    first = schedule.first_of_batch()
    there = schedule.machine[first, place] == usual
    lot = of_lot[first] > 0
    share = float(np.mean(there[lot]))
    moved = max(0.0, (TOGETHER - share) / (1.0 - share)) if share < 1.0 else 0.0
    sent = lot & ~there & (rng.random(schedule.batches) < moved)
    return _sent(schedule, sent, place, usual)


def usual_machine(schedule: Schedule, of_lot: Floats, place: int) -> int:
    """The machine of an operation that most units of a lot met."""
    return int(np.bincount(schedule.machine[:, place], weights=of_lot).argmax())


def _sent(schedule: Schedule, batches: Bools, place: int, machine: int) -> Schedule:
    machines = schedule.machine.copy()
    machines[batches[schedule.batch], place] = machine
    return replace(schedule, machine=machines)
