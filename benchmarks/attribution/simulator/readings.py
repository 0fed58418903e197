"""Process readings: slow wander, machine offsets, and shadows of one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from benchmarks.attribution.simulator.line import Key, Line

Floats = NDArray[np.float64]
NAMES = ("temperature", "pressure", "speed", "torque", "flow", "current", "voltage")
MISSING = 0.02
DIGITS = 3
"""Decimals that a reading is recorded with."""


def draw_readings(rng: np.random.Generator, line: Line) -> None:
    """Readings that depend on nothing but time, machine and product."""
    shadows = round(rng.uniform(*line.style.shadows) * line.settings.parameters)
    for number in range(line.settings.parameters):
        operation = line.operations[number % len(line.operations)]
        key = (operation, f"{NAMES[number % len(NAMES)]}-{number + 1}")
        line.scale[key] = (float(rng.uniform(10, 400)), float(rng.uniform(0.2, 9)))
        if number >= line.settings.parameters - shadows:
            line.source[key] = _source(rng, line, operation)
        else:
            line.readings[key] = _reading(rng, line, operation)


def _source(rng: np.random.Generator, line: Line, operation: str) -> Key:
    """A reading of the same or an earlier operation."""
    until = line.operations.index(operation) + 1
    earlier = [key for key in line.readings if key[0] in line.operations[:until]]
    return earlier[rng.integers(len(earlier))] if earlier else next(iter(line.readings))


def _reading(rng: np.random.Generator, line: Line, operation: str) -> Floats:
    n, machine = line.size, line.machine[operation]
    own_wander = rng.random() < 0.5
    share = rng.uniform(0.2, 0.7)
    slow = wander(rng, line, rng.uniform(*line.style.memory_hours), n)
    if own_wander:
        slow[np.argsort(machine, kind="stable")] = slow.copy()
    offset = rng.normal(0, rng.choice([0.0, 0.4, 1.0]), len(line.machines[operation]))
    setting = rng.normal(0, rng.choice([0.0, 0.0, 0.6]), len(line.products))
    values = np.sqrt(share) * slow + np.sqrt(1 - share) * rng.standard_normal(n)
    return values + offset[machine] + setting[line.product]


def wander(rng: np.random.Generator, line: Line, hours: float, n: int) -> Floats:
    """An AR(1) course with unit variance and this time constant, one value a unit."""
    keep = float(np.exp(-line.span / line.size / hours))
    noise = rng.standard_normal(n) * np.sqrt(1 - keep**2)
    noise[0] = rng.standard_normal()
    return np.asarray(lfilter([1.0], [1.0, -keep], noise))


def cast_shadows(rng: np.random.Generator, line: Line) -> None:
    """Noisy copies of readings, after the plants have moved these."""
    for key, source in line.source.items():
        noise = rng.uniform(0.5, 1.1)
        copied = line.readings[source] * rng.choice([-1.0, 1.0])
        line.readings[key] = copied + noise * rng.standard_normal(line.size)


def shown(rng: np.random.Generator, line: Line) -> dict[Key, NDArray[np.float32]]:
    """Readings in their units, some missing."""
    columns = {}
    for key, values in line.readings.items():
        mean, spread = line.scale[key]
        column = np.round(mean + spread * values, DIGITS).astype(np.float32)
        if rng.random() < 0.2:
            column[rng.random(line.size) < MISSING] = np.nan
        columns[key] = column
    return columns
