"""What a simulated line looks like: the caller's settings and the family's style."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KINDS = (
    "lot",
    "equipment",
    "parameter_step",
    "parameter_ramp",
    "age",
    "operator",
    "interaction",
    "two",
    "hidden",
    "null",
)
DECOYS = ("mediator", "alias", "simpson", "maintenance", "crew")
Range = tuple[float, float]


@dataclass(frozen=True)
class Settings:
    """What the caller chooses.

    `lift`: relative risk of the exposed; None draws it log-uniform from
    `lift_range`. `overdispersion`: sd on the log scale between the lots of each
    material, and of the wander of the base rate over time. `base`: range of the
    mean defect rate without the plant. `decoys`: those wanted where the plant
    allows them; None draws them.
    """

    units: int = 8000
    parameters: int = 100
    lift: float | None = 5.0
    lift_range: Range = (1.5, 6.0)
    overdispersion: float = 0.3
    base: Range = (0.01, 0.03)
    decoys: tuple[str, ...] | None = None
    days: float = 30.0


@dataclass(frozen=True)
class Style:
    """How the lines of a family are drawn; pairs are ranges, ends included.

    `lot_units`: mean units in a lot of a material; `lot_shape`: of the gamma
    distribution of the sizes. `noise`: distributions of the random effects.
    `wander_hours`, `memory_hours`: time constants of the base rate and of the
    readings. `preference`: how strongly products choose machines, lots, settings.
    """

    number: int
    operations: tuple[int, int]
    machines: tuple[int, int]
    materials: tuple[int, int]
    products: tuple[int, int]
    crews: tuple[int, int]
    lot_units: Range
    lot_shape: Range
    noise: tuple[str, ...]
    wander_hours: Range
    memory_hours: Range
    shadows: Range
    campaign_hours: Range
    maintenance_hours: Range
    lag_hours: Range
    preference: Range
    rotations: tuple[str, ...]
    feeders: tuple[str, ...]


STYLES = {
    "development": Style(
        number=1,
        operations=(6, 6),
        machines=(2, 5),
        materials=(3, 5),
        products=(2, 3),
        crews=(4, 5),
        lot_units=(12, 450),
        lot_shape=(8, 8),
        noise=("log-normal",),
        wander_hours=(12, 36),
        memory_hours=(6, 24),
        shadows=(0.3, 0.3),
        campaign_hours=(20, 60),
        maintenance_hours=(70, 120),
        lag_hours=(0.4, 2.0),
        preference=(0.3, 1.0),
        rotations=("weekly", "daily"),
        feeders=("mixed", "alternating"),
    ),
    "calibration": Style(
        number=2,
        operations=(5, 7),
        machines=(2, 4),
        materials=(3, 6),
        products=(2, 3),
        crews=(3, 6),
        lot_units=(10, 500),
        lot_shape=(4, 20),
        noise=("gamma", "log-normal"),
        wander_hours=(8, 48),
        memory_hours=(3, 48),
        shadows=(0.2, 0.4),
        campaign_hours=(12, 90),
        maintenance_hours=(50, 140),
        lag_hours=(0.2, 3.0),
        preference=(0.2, 1.2),
        rotations=("weekly", "daily", "random"),
        feeders=("mixed", "alternating", "runs"),
    ),
    "test": Style(
        number=3,
        operations=(5, 8),
        machines=(2, 5),
        materials=(3, 6),
        products=(2, 3),
        crews=(3, 6),
        lot_units=(15, 600),
        lot_shape=(3, 30),
        noise=("gamma", "log-normal", "laplace"),
        wander_hours=(6, 72),
        memory_hours=(2, 72),
        shadows=(0.15, 0.45),
        campaign_hours=(10, 120),
        maintenance_hours=(40, 160),
        lag_hours=(0.1, 4.0),
        preference=(0.1, 1.4),
        rotations=("weekly", "daily", "random"),
        feeders=("mixed", "alternating", "runs"),
    ),
}


def whole(rng: np.random.Generator, ends: tuple[int, int]) -> int:
    """A whole number between the ends, both included."""
    return int(rng.integers(ends[0], ends[1] + 1))


def log_uniform(rng: np.random.Generator, ends: Range) -> float:
    return float(np.exp(rng.uniform(np.log(ends[0]), np.log(ends[1]))))
