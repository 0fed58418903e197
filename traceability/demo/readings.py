"""Process readings: they wander, machines differ, and one machine drifts.

A level is a reading in units of its tolerance: 0 is the target, ±1 the limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traceability.demo.factory import HOURS, OPERATIONS, operation_index
from traceability.demo.faults import Drift
from traceability.demo.schedule import Floats, Ints, Rng, Schedule

WANDER = 0.37
"""Standard deviation of the slow part, an autoregressive series by the hour."""
WANDER_HOURS = 6.0
NOISE = 0.08
MACHINE_OFFSET = 0.05
DRIFT_SHARE = (0.15, 0.18)
DRIFT_RISE = (0.64, 0.74)
DRIFT_HOURS = (72.0, 144.0)
THRESHOLD = 0.5
"""Where the risk begins to rise; it is at its height a tenth of a tolerance above."""

Levels = dict[tuple[str, str], Floats]


@dataclass(frozen=True)
class Onset:
    """One machine leaves its target at `at` and is `rise` away `hours` later."""

    drift: Drift
    machine: int
    at: float
    hours: float
    rise: float

    @property
    def place(self) -> int:
        """Of the operation, in the route."""
        return operation_index(self.drift.operation)

    def moved(self, started: Floats, machine: Ints) -> Floats:
        """How far the drift has carried each reading, signed."""
        share = np.clip((started - self.at) / self.hours, 0.0, 1.0)
        away = self.drift.direction * self.rise
        return np.where(machine == self.machine, share * away, 0.0)


def draw_onset(rng: Rng, schedule: Schedule, drift: Drift) -> Onset:
    """A machine, and an onset that exposes a given share of the line's units."""
    place = operation_index(drift.operation)
    machine = int(rng.integers(schedule.line.machines[place]))
    hours = float(rng.uniform(*DRIFT_HOURS))
    rise = float(rng.uniform(*DRIFT_RISE))
    used = float(np.mean(schedule.machine[:, place] == machine))
    exposed_hours = rng.uniform(*DRIFT_SHARE) / used * HOURS
    return Onset(drift, machine, -exposed_hours - hours / 2, hours, rise)


def draw_levels(rng: Rng, schedule: Schedule, onset: Onset | None) -> Levels:
    """The level of every parameter for each unit, by (operation, parameter)."""
    levels = {}
    for place, operation in enumerate(OPERATIONS):
        started, machine = schedule.started[:, place], schedule.machine[:, place]
        for parameter in operation.parameters:
            level = _wander(rng, started, machine, schedule.line.machines[place])
            named = (operation.code, parameter.code)
            if onset and named == (onset.drift.operation, onset.drift.parameter):
                level = level + onset.moved(started, machine)
            levels[named] = level
    return levels


def _wander(rng: Rng, started: Floats, machine: Ints, machines: int) -> Floats:
    hours = np.arange(-HOURS - 1, 2.0)
    series = _autoregressive(rng, machines, len(hours))
    series += rng.uniform(-MACHINE_OFFSET, MACHINE_OFFSET, (machines, 1))
    level = rng.normal(0.0, NOISE, len(started))
    for n in range(machines):
        own = machine == n
        level[own] += np.interp(started[own], hours, series[n])
    return level


def _autoregressive(rng: Rng, series: int, hours: int) -> Floats:
    """AR(1) series with standard deviation `WANDER`, one row each."""
    keep = np.exp(-1.0 / WANDER_HOURS)
    shocks = rng.normal(0.0, WANDER, (hours, series))
    shocks[1:] *= np.sqrt(1.0 - keep**2)
    for hour in range(1, hours):
        shocks[hour] += keep * shocks[hour - 1]
    return shocks.T.copy()


def exposure_to_level(levels: Floats, direction: int) -> Floats:
    """0 on the safe side of the threshold, rising to 1 well beyond it."""
    return np.clip((direction * levels - THRESHOLD) / 0.1, 0.0, 1.0)
