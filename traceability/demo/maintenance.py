"""When machines were built, maintained and calibrated, and which were not in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traceability.demo.company import Serviced
from traceability.demo.factory import HOURS, machine_codes
from traceability.demo.schedule import Floats, Rng, Schedule

USUAL_HOURS = (72.0, 104.0)
"""Between two maintenances of a machine that is looked after."""
CALIBRATION_HOURS = (300.0, 400.0)
DUE_HOURS = (108.0, 124.0)
"""The age from which a neglected machine spoils units."""
OVERDUE_SHARE = (0.14, 0.17)
RISE_HOURS = 10.0
CYCLES = 14
LATE_BEFORE = 4
LATE_ELSEWHERE = (2, 4)
"""Which maintenance before the last came late, on the machine that is late again and
on the others: chosen so that two machines are not late at the same time."""
AGE_YEARS = (0.5, 9.0)
YEAR_HOURS = 8766.0


@dataclass(frozen=True)
class Machine:
    """A machine and its past; times in hours before now, oldest first."""

    code: str
    operation: int
    commissioned: float
    maintained: Floats
    calibrated: Floats


@dataclass(frozen=True)
class Overdue:
    """At one operation, maintenance comes `late` hours after it was `due`, at times."""

    operation: int
    due: float
    late: float


def draw_overdue(rng: Rng, schedule: Schedule, operation: int) -> Overdue:
    """How late, so that a given share of the line's units is exposed."""
    machines = schedule.line.machines[operation]
    exposed = rng.uniform(*OVERDUE_SHARE) * HOURS * machines
    late = exposed / (machines + 1) + RISE_HOURS / 2
    return Overdue(operation, float(rng.uniform(*DUE_HOURS)), float(late))


def draw_machines(
    rng: Rng, schedule: Schedule, overdue: Overdue | None, serviced: Serviced | None
) -> tuple[Machine, ...]:
    """All machines of the line, by operation.

    Where maintenance is neglected it was late once on every machine, and on one of
    them it is late again now. The serviced one has a maintenance at its hour.
    """
    machines: list[Machine] = []
    for operation in range(len(schedule.line.machines)):
        codes = machine_codes(schedule.line, operation)
        if overdue is not None and overdue.operation == operation:
            pasts = _late_pasts(rng, overdue, len(codes))
        else:
            pasts = [_maintained(rng, {}) for _ in codes]
        if serviced is not None and serviced.operation == operation:
            pasts[serviced.machine] = _maintained_at(rng, serviced.at)
        machines += [
            Machine(
                code=code,
                operation=operation,
                commissioned=-HOURS - YEAR_HOURS * rng.uniform(*AGE_YEARS),
                maintained=past,
                calibrated=_every(rng, CALIBRATION_HOURS, 4),
            )
            for code, past in zip(codes, pasts, strict=True)
        ]
    return tuple(machines)


def _late_pasts(rng: Rng, overdue: Overdue, machines: int) -> list[Floats]:
    """Maintenances of each machine of the neglected operation."""
    late = overdue.due + overdue.late
    late_now = int(rng.integers(machines))
    cycles = iter(rng.permutation(LATE_ELSEWHERE))
    return [
        _maintained(rng, {0: late, LATE_BEFORE: late})
        if n == late_now
        else _maintained(rng, {int(next(cycles)): late})
        for n in range(machines)
    ]


def _maintained(rng: Rng, late: dict[int, float]) -> Floats:
    """Built backwards from now: the first interval is still open.

    `late`: the hours of the intervals that were not as usual, by their place.
    """
    intervals = rng.uniform(*USUAL_HOURS, CYCLES)
    intervals[0] *= rng.uniform(0.1, 0.9)
    for cycle, hours in late.items():
        intervals[cycle] = hours
    return -np.cumsum(intervals)[::-1]


def _maintained_at(rng: Rng, at: float) -> Floats:
    """One maintenance at `at`, the usual intervals before and after it."""
    before = at - np.cumsum(rng.uniform(*USUAL_HOURS, CYCLES))[::-1]
    after = at + np.cumsum(rng.uniform(*USUAL_HOURS, CYCLES))
    return np.concatenate([before, [at], after[after < 0.0]])


def _every(rng: Rng, between: tuple[float, float], count: int) -> Floats:
    intervals = rng.uniform(*between, count)
    intervals[0] *= rng.random()
    return -np.cumsum(intervals)[::-1]


def hours_since_maintenance(
    schedule: Schedule, machines: tuple[Machine, ...], operation: int
) -> Floats:
    """For each unit, how long its machine had run when its operation started."""
    started = schedule.started[:, operation]
    own = [machine for machine in machines if machine.operation == operation]
    age = np.empty(schedule.size)
    for n, machine in enumerate(own):
        rows = schedule.machine[:, operation] == n
        last = np.searchsorted(machine.maintained, started[rows], side="right") - 1
        age[rows] = started[rows] - machine.maintained[last]
    return age


def exposure_to_age(age: Floats, due: float) -> Floats:
    """0 until maintenance is due, rising to 1 within `RISE_HOURS`."""
    return np.clip((age - due) / RISE_HOURS, 0.0, 1.0)
