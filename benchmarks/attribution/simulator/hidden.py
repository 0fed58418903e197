"""Causes that nobody recorded: planted like the others, then left out of the bundle."""

from __future__ import annotations

import numpy as np

from benchmarks.attribution.simulator.line import Line
from benchmarks.attribution.simulator.plants import (
    Plant,
    Rng,
    any_moment,
    any_reading,
    equipment,
    lot,
    moved_reading,
    operator,
)
from benchmarks.attribution.simulator.truth import Planted

TRIES = 6
LIKE = 0.4
"""Share of common units from which two lots are nearly one."""


def pooled_step(rng: Rng, line: Line, lift: float) -> Planted:
    """A reading steps on all machines of its operation."""
    key = any_reading(rng, line)
    onset = any_moment(rng, line, key[0], 0.4, 0.8)
    lasts = rng.uniform(0.1, 0.25) * line.span
    at = line.start(key[0])
    course = ((at >= onset) & (at < onset + lasts)).astype(np.float64)
    return moved_reading(rng, line, key, course, lift, True, onset)


def lone_lot(rng: Rng, line: Line, lift: float) -> Planted:
    """A bad lot that no lot of another material comes near to."""
    drawn = [lot(rng, line, lift) for _ in range(TRIES)]
    return min(drawn, key=lambda plant: max(_overlap(line, plant), LIKE))


def _overlap(line: Line, plant: Planted) -> float:
    """The largest share of common units with a lot of another material."""
    shares = [0.0]
    for material in line.materials.values():
        if material.name != plant.factor:
            both = np.bincount(material.lot, plant.exposed, material.size)
            either = np.bincount(material.lot, minlength=material.size)
            either = either + plant.exposed.sum() - both
            shares.append(float((both / either).max()))
    return max(shares)


HIDDEN: tuple[Plant, ...] = (lone_lot, operator, pooled_step, equipment)
