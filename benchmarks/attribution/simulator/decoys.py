"""Innocent things that look guilty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.attribution.simulator.line import Line, routed
from benchmarks.attribution.simulator.plants import Rng
from benchmarks.attribution.simulator.settings import DECOYS
from benchmarks.attribution.simulator.truth import Decoy, Planted

ODDS = {
    "mediator": 0.3,
    "alias": 0.15,
    "simpson": 0.4,
    "maintenance": 0.5,
    "crew": 0.4,
}
FULLY = 0.5
"""Share of the mediators through which all of the harm goes."""


def wanted(rng: Rng, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """The decoys to try: those asked for, or drawn ones."""
    drawn = tuple(name for name in DECOYS if rng.random() < ODDS[name])
    return drawn if asked is None else asked


def simpson(rng: Rng, line: Line) -> Decoy:
    """One machine runs nearly all of one product: it is as bad as that product."""
    operation = str(rng.choice(line.operations))
    machines = len(line.machines[operation])
    code, product = rng.integers(machines), rng.integers(len(line.products))
    chance = np.where(line.product == product, 0.85, 0.08)
    other = routed(rng, line.style, line.product, machines)
    picked = rng.random(line.size) < chance
    other = np.where(other == code, (code + 1) % machines, other)
    line.machine[operation] = np.where(picked, code, other).astype(np.int64)
    name = line.machines[operation][code]
    return Decoy("simpson", "equipment", operation, operation, name)


def mediator(rng: Rng, line: Line, plant: Planted) -> tuple[Planted, Decoy] | None:
    """A later reading shifts where the cause acts; the harm may go all through it."""
    place = line.operations.index(plant.operation) + 1
    keys = [
        key
        for key in line.readings
        if key not in line.source and key[0] in line.operations[place:]
    ]
    if not keys:
        return None
    key = keys[rng.integers(len(keys))]
    acting = plant.exposed & (rng.random(line.size) < rng.uniform(0.85, 1.0))
    spread = line.readings[key].std()
    sign = rng.choice([-1.0, 1.0])
    line.readings[key][acting] += sign * rng.uniform(3.0, 5.0) * spread
    decoy = Decoy("mediator", "parameter", key[0], key[1], ">" if sign > 0 else "<")
    if rng.random() < FULLY:
        plant = replace(plant, acting=acting)
    return plant, decoy


def alias(rng: Rng, line: Line, plant: Planted) -> Decoy | None:
    """A second factor that covers exactly the units of the plant."""
    if plant.kind == "lot":
        return _lot_alias(rng, line, plant)
    return _tool_alias(line, plant) if plant.kind == "equipment" else None


def _lot_alias(rng: Rng, line: Line, plant: Planted) -> Decoy | None:
    """A lot of another material, opened and closed with the bad one."""
    others = [name for name in line.materials if name != plant.factor]
    if not others:
        return None
    material = line.materials[str(rng.choice(others))]
    usual = int(np.bincount(material.supplier).argmax())
    code = material.opened(usual)
    material.lot[plant.exposed] = code
    name = material.lot_name(code)
    return Decoy("alias", "lot", material.operation, material.name, name)


def _tool_alias(line: Line, plant: Planted) -> Decoy:
    """The machine got another tool at the onset."""
    tools = 2 * line.machine[plant.operation]
    line.tool[plant.operation] = tools + plant.exposed
    code = int(tools[plant.exposed][0]) + 1
    name = tool_name(plant.operation, code)
    return Decoy("alias", "tool", plant.operation, plant.operation, name)


def tool_name(operation: str, code: int) -> str:
    return f"{operation}-T{code:03d}"


def maintenance(rng: Rng, line: Line, at: float, blamed: str) -> Decoy:
    """Another machine is maintained just when the rise begins; `at` in hours."""
    own = [(op, name) for op in line.operations for name in line.machines[op]]
    able = [(op, name) for op, name in own if name != blamed]
    operation, name = able[rng.integers(len(able))]
    line.maintained[name] = np.union1d(line.maintained[name], [at])
    return Decoy("maintenance", "age", operation, operation, name)


def crew(rng: Rng, line: Line, plant: Planted) -> Decoy:
    """One crew gets most of the shifts in which the cause is active."""
    code = int(rng.integers(len(line.crews)))
    number = line.shift_number(plant.operation)
    count = line.crew_of_shift.size
    share = np.bincount(number, plant.exposed, count) / np.maximum(
        np.bincount(number, minlength=count), 1
    )
    busy = share > max(0.25, 0.5 * share.max())
    moved = busy & (rng.random(count) < 0.6)
    line.crew_of_shift[moved] = code
    return Decoy("crew", "operator", plant.operation, plant.operation, line.crews[code])
