"""The line without its readings: who and what met each unit, and when."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.attribution.simulator.lots import Material, drawn_material
from benchmarks.attribution.simulator.settings import Settings, Style, whole

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str, str]
SHIFT_HOURS = 8.0
SHIFTS = ("early", "late", "night")


@dataclass
class Line:
    """A line while it is drawn; arrays have one entry for each unit, in time order.

    `hours`: when the unit enters. `lag`: hours until it starts at an operation.
    `crew_of_shift`: code of the crew in each stretch of eight hours. `maintained`:
    hours of maintenance of each machine. `readings`: standardised; `scale` holds
    the mean and the spread that they are shown with. `source`: of each shadow.
    """

    settings: Settings
    style: Style
    hours: Floats
    operations: tuple[str, ...]
    lag: dict[str, float]
    products: tuple[str, ...]
    product: Ints
    machines: dict[str, tuple[str, ...]]
    machine: dict[str, Ints]
    materials: dict[str, Material]
    crews: tuple[str, ...]
    crew_of_shift: Ints
    maintained: dict[str, Floats]
    commissioned: dict[str, float]
    tool: dict[str, Ints] = field(default_factory=dict)
    readings: dict[Key, Floats] = field(default_factory=dict)
    scale: dict[Key, tuple[float, float]] = field(default_factory=dict)
    source: dict[Key, Key] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.hours.size

    @property
    def span(self) -> float:
        return float(self.hours[-1])

    def start(self, operation: str) -> Floats:
        """Hours at which each unit starts at the operation, increasing."""
        return self.hours + self.lag[operation]

    def shift_number(self, operation: str) -> Ints:
        return (self.start(operation) // SHIFT_HOURS).astype(np.int64)

    def crew(self, operation: str) -> Ints:
        return self.crew_of_shift[self.shift_number(operation)]

    def age(self, operation: str, code: int) -> Floats:
        """Hours since the last maintenance of one machine, at each unit's start."""
        events = self.maintained[self.machines[operation][code]]
        at = self.start(operation)
        return at - events[np.searchsorted(events, at, side="right") - 1]


def drawn_line(rng: np.random.Generator, settings: Settings, style: Style) -> Line:
    """Times, products, machines, lots, crews and maintenance of a line."""
    n = settings.units
    hours = np.cumsum(rng.gamma(2.0, 1.0, n))
    hours *= settings.days * 24 / hours[-1]
    operations = tuple(f"OP{10 * (k + 1)}" for k in range(whole(rng, style.operations)))
    lags = np.cumsum(rng.uniform(*style.lag_hours, len(operations)))
    products = tuple(f"P{k + 1}" for k in range(whole(rng, style.products)))
    product = _campaigns(rng, style, hours, len(products))
    machines = {op: _machines(rng, style, op) for op in operations}
    crews = tuple(f"crew-{chr(65 + k)}" for k in range(whole(rng, style.crews)))
    shifts = int((hours[-1] + lags[-1]) // SHIFT_HOURS) + 1
    return Line(
        settings=settings,
        style=style,
        hours=hours,
        operations=operations,
        lag=dict(zip(operations, lags.tolist(), strict=True)),
        products=products,
        product=product,
        machines=machines,
        machine={
            op: routed(rng, style, product, len(own)) for op, own in machines.items()
        },
        materials=_materials(rng, style, operations, product),
        crews=crews,
        crew_of_shift=_schedule(rng, style, shifts, len(crews)),
        maintained={
            name: _maintenance(rng, style, hours[-1] + lags[-1])
            for own in machines.values()
            for name in own
        },
        commissioned={
            name: -float(rng.uniform(500, 20000))
            for own in machines.values()
            for name in own
        },
    )


def _campaigns(
    rng: np.random.Generator, style: Style, hours: Floats, products: int
) -> Ints:
    """Products in campaigns: the next is another one, some are run more often."""
    mean = rng.uniform(*style.campaign_hours)
    edges = np.cumsum(rng.gamma(2.0, mean / 2, int(3 * hours[-1] / mean) + 10))
    step = rng.integers(1, products, edges.size + 1) if products > 1 else 0
    sequence = np.cumsum(np.broadcast_to(step, edges.size + 1)) % products
    return sequence[np.searchsorted(edges, hours)]


def _machines(
    rng: np.random.Generator, style: Style, operation: str
) -> tuple[str, ...]:
    return tuple(f"{operation}-M{k + 1}" for k in range(whole(rng, style.machines)))


def routed(
    rng: np.random.Generator, style: Style, product: Ints, machines: int
) -> Ints:
    """The machine of each unit: every product has its own odds."""
    preference = rng.uniform(*style.preference)
    logits = rng.normal(0, preference, (int(product.max()) + 1, machines))
    odds = np.exp(logits) + 0.25
    bounds = np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)[product]
    return (rng.random(product.size)[:, None] > bounds[:, :-1]).sum(axis=1)


def _materials(
    rng: np.random.Generator, style: Style, operations: tuple[str, ...], product: Ints
) -> dict[str, Material]:
    count = whole(rng, style.materials)
    names = [f"MAT{k + 1}" for k in range(count)]
    return {
        name: drawn_material(rng, style, name, str(rng.choice(operations)), product, k)
        for k, name in enumerate(names)
    }


def _schedule(rng: np.random.Generator, style: Style, shifts: int, crews: int) -> Ints:
    """Which crew works each shift: rotating by week or by day, or anyhow."""
    number = np.arange(shifts)
    rotation = str(rng.choice(style.rotations))
    if rotation == "random":
        return rng.integers(0, crews, shifts)
    every = 21 if rotation == "weekly" else 6
    return (number % 3 + number // every + rng.integers(0, crews)) % crews


def _maintenance(rng: np.random.Generator, style: Style, until: float) -> Floats:
    """Hours of maintenance, from before the first unit to after the last."""
    mean = rng.uniform(*style.maintenance_hours)
    gaps = mean * rng.uniform(0.8, 1.2, int(1.5 * until / mean) + 8)
    return -rng.uniform(0, mean) - mean + np.cumsum(gaps)
