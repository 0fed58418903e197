"""The risk of each unit when nothing is planted: nothing in a plant is independent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.attribution.simulator.line import Line
from benchmarks.attribution.simulator.readings import wander

Floats = NDArray[np.float64]
SMALL = 0.35
"""Spread of machines and crews as a share of that of lots."""
PRODUCT_SPREAD = 0.4


def log_base(rng: np.random.Generator, line: Line) -> Floats:
    """Log risk: product, lots, machines, crews and a wander of the rate over time."""
    spread = line.settings.overdispersion
    shape = str(rng.choice(line.style.noise))
    total = rng.normal(0, PRODUCT_SPREAD, len(line.products))[line.product]
    for material in line.materials.values():
        total += effects(rng, shape, spread, material.size)[material.lot]
    for operation, machine in line.machine.items():
        count = len(line.machines[operation])
        total += effects(rng, shape, SMALL * spread, count)[machine]
    crew = line.crew(line.operations[0])
    total += effects(rng, shape, SMALL * spread, len(line.crews))[crew]
    hours = rng.uniform(*line.style.wander_hours)
    total += spread * wander(rng, line, hours, line.size)
    rate = rng.uniform(*line.settings.base)
    return np.asarray(np.log(rate) + total - np.log(np.exp(total).mean()))


def effects(rng: np.random.Generator, shape: str, spread: float, n: int) -> Floats:
    """Random effects on the log scale with (nearly) this standard deviation."""
    if spread <= 0:
        return np.zeros(n)
    if shape == "gamma":
        concentration = 1 / np.expm1(spread**2)
        return np.log(rng.gamma(concentration, 1 / concentration, n) + 1e-9)
    if shape == "laplace":
        return rng.laplace(0, spread / np.sqrt(2), n)
    return rng.normal(0, spread, n)
