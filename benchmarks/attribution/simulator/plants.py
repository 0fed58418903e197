"""Causes of defects to plant: each changes the line where it must and names itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.attribution.simulator.clock import at_hours
from benchmarks.attribution.simulator.line import Key, Line
from benchmarks.attribution.simulator.lots import Material
from benchmarks.attribution.simulator.truth import Planted

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rng = np.random.Generator
Plant = Callable[[Rng, Line, float], Planted]

LOT_UNITS = 100
CELL_UNITS = 140
POOLED = 0.35
PHYSICAL = 0.3
ELSEWHERE = 0.25


def lot(rng: Rng, line: Line, lift: float) -> Planted:
    """One bad lot, the larger the likelier."""
    material = _any_material(rng, line, LOT_UNITS)
    units = np.bincount(material.lot, minlength=material.size)
    code = _weighted(rng, np.where(units >= LOT_UNITS, units, 0), units)
    exposed = material.lot == code
    name = material.lot_name(code)
    return _planted("lot", material.operation, material.name, name, exposed, lift)


def equipment(rng: Rng, line: Line, lift: float) -> Planted:
    """One machine goes bad at an onset and stays so."""
    operation, code = _any_machine(rng, line)
    onset = any_moment(rng, line, operation, 0.4, 0.85)
    exposed = (line.machine[operation] == code) & (line.start(operation) >= onset)
    name = line.machines[operation][code]
    return _planted(
        "equipment", operation, operation, name, exposed, lift, onset=at_hours(onset)
    )


def parameter_step(rng: Rng, line: Line, lift: float) -> Planted:
    """A reading steps at an onset, for a while or to the end."""
    key = any_reading(rng, line)
    onset = any_moment(rng, line, key[0], 0.4, 0.8)
    lasts = rng.uniform(0.12, 0.3) * line.span if rng.random() < 0.5 else np.inf
    at = line.start(key[0])
    course = ((at >= onset) & (at < onset + lasts)).astype(np.float64)
    return moved_reading(rng, line, key, course, lift, rng.random() < POOLED, onset)


def parameter_ramp(rng: Rng, line: Line, lift: float) -> Planted:
    """A reading drifts away and stays there."""
    key = any_reading(rng, line)
    onset = any_moment(rng, line, key[0], 0.35, 0.65)
    length = rng.uniform(0.1, 0.35) * line.span
    course = np.clip((line.start(key[0]) - onset) / length, 0.0, 1.0)
    return moved_reading(rng, line, key, course, lift, rng.random() < POOLED, None)


def moved_reading(
    rng: Rng,
    line: Line,
    key: Key,
    course: Floats,
    lift: float,
    pooled: bool,
    onset: float | None,
) -> Planted:
    """Shift a reading by a course from 0 to 1; beyond a threshold there is risk.

    On one machine the threshold is that machine's own, or one for all machines.
    """
    operation, values = key[0], line.readings[key]
    code = int(rng.integers(len(line.machines[operation])))
    moved = np.ones(line.size, bool) if pooled else line.machine[operation] == code
    judged = np.ones(line.size, bool) if rng.random() < PHYSICAL else moved
    sign = float(rng.choice([1.0, 1.0, -1.0]))
    spread = values[judged].std()
    threshold = values[judged].mean() + sign * rng.uniform(1.8, 2.5) * spread
    values[moved] += sign * rng.uniform(3.0, 4.5) * spread * course[moved]
    exposed = judged & (sign * (values - threshold) > 0)
    mean, scale = line.scale[key]
    return _planted(
        "parameter",
        operation,
        key[1],
        ">" if sign > 0 else "<",
        exposed,
        lift,
        onset=None if onset is None else at_hours(onset),
        threshold=float(mean + scale * threshold),
        equipment="" if moved.all() else line.machines[operation][code],
    )


def age(rng: Rng, line: Line, lift: float) -> Planted:
    """One machine misses its maintenance; beyond some hours it does harm.

    It gets it before the end: else "the machine since then" were the same units.
    """
    operation, code = _any_machine(rng, line)
    name = line.machines[operation][code]
    events = line.maintained[name]
    usual = float(np.diff(events).max())
    begin = rng.uniform(0.15, 0.4) * line.span
    length = max(rng.uniform(2.2, 3.5) * usual, 0.2 * line.span)
    length = min(length, 0.9 * line.span - begin)
    kept = events[(events <= begin) | (events >= begin + length)]
    line.maintained[name] = np.union1d(kept, [begin, begin + length])
    threshold = float(usual * rng.uniform(1.05, 1.3))
    exposed = (line.machine[operation] == code) & (
        line.age(operation, code) > threshold
    )
    return _planted(
        "age",
        operation,
        name,
        ">",
        exposed,
        lift,
        onset=at_hours(begin + threshold),
        threshold=threshold,
        equipment=name,
    )


def operator(rng: Rng, line: Line, lift: float) -> Planted:
    """One crew does harm at one operation."""
    operation = str(rng.choice(line.operations))
    crew = line.crew(operation)
    code = int(rng.choice(np.unique(crew)))
    name = line.crews[code]
    return _planted("operator", operation, operation, name, crew == code, lift)


def interaction(rng: Rng, line: Line, lift: float) -> Planted:
    """A lot does harm on one machine only, mostly of the operation that uses it."""
    material = _any_material(rng, line, 2 * CELL_UNITS)
    place = line.operations.index(material.operation)
    operation = material.operation
    if rng.random() < ELSEWHERE:
        operation = str(rng.choice(line.operations[place:]))
    machines = len(line.machines[operation])
    cell = material.lot * machines + line.machine[operation]
    units = np.bincount(cell, minlength=material.size * machines)
    chosen = _weighted(rng, np.where(units >= CELL_UNITS, units, 0), units)
    pair = material.lot_name(chosen // machines)
    machine = line.machines[operation][chosen % machines]
    return _planted(
        "interaction",
        operation,
        (material.name, operation),
        (pair, machine),
        cell == chosen,
        lift,
    )


PLANTS: dict[str, Plant] = {
    "lot": lot,
    "equipment": equipment,
    "parameter_step": parameter_step,
    "parameter_ramp": parameter_ramp,
    "age": age,
    "operator": operator,
    "interaction": interaction,
}


def _planted(
    kind: str,
    operation: str,
    factor: str | tuple[str, str],
    level: str | tuple[str, str],
    exposed: Bools,
    lift: float,
    onset: float | None = None,
    threshold: float | None = None,
    equipment: str = "",
) -> Planted:
    return Planted(
        kind,
        operation,
        factor,
        level,
        exposed,
        exposed.copy(),
        lift,
        onset,
        threshold,
        equipment,
    )


def _any_material(rng: Rng, line: Line, units: int) -> Material:
    """One with a lot of so many units, else the one with the largest lot."""
    largest = {m.name: np.bincount(m.lot).max() for m in line.materials.values()}
    able = [name for name, size in largest.items() if size >= units]
    name = str(rng.choice(able)) if able else max(largest, key=lambda m: largest[m])
    return line.materials[name]


def _any_machine(rng: Rng, line: Line) -> tuple[str, int]:
    """An operation and a machine of it that runs at least a tenth of the units."""
    operation = str(rng.choice(line.operations))
    share = np.bincount(
        line.machine[operation], minlength=len(line.machines[operation])
    )
    able = np.flatnonzero(share >= 0.1 * line.size)
    return operation, int(rng.choice(able))


def any_reading(rng: Rng, line: Line) -> Key:
    """A reading that is no shadow of another."""
    keys = [key for key in line.readings if key not in line.source]
    return keys[rng.integers(len(keys))]


def any_moment(rng: Rng, line: Line, operation: str, low: float, high: float) -> float:
    """Hours, between two shares of the series."""
    return float(rng.uniform(low, high) * line.span + line.lag[operation])


def _weighted(rng: Rng, odds: NDArray[np.int64], units: NDArray[np.int64]) -> int:
    """A code drawn by its odds; the largest when nothing has any."""
    if odds.sum() == 0:
        return int(np.argmax(units))
    return int(rng.choice(odds.size, p=odds / odds.sum()))
