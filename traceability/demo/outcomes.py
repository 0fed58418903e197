"""The drawn truth: which defects every unit has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from traceability.demo.factory import DAYS, DEFECT_CLASSES
from traceability.demo.genealogy import Supplies
from traceability.demo.schedule import Floats, Ints, Rng, Schedule

BASE_RATE = (0.022, 0.028)
PRODUCT_SPREAD = 0.1
LOT_SPREAD = 0.12
DAY_SPREAD = 0.15
"""Standard deviations, on the log scale, of what makes units of a lot or day alike."""
SECOND_DEFECT = 0.2
HIGHEST = 0.5


def draw_defects(
    rng: Rng,
    schedule: Schedule,
    supplies: Mapping[str, Supplies],
    risks: Mapping[str, Floats],
) -> dict[str, Ints]:
    """How many defects of each class every unit has.

    `risks`: the relative risk of each unit, by class, that plants cause.
    """
    found = {}
    for defect_class in DEFECT_CLASSES:
        rate = rng.uniform(*BASE_RATE) * _ordinary_spread(rng, schedule, supplies)
        rate = np.minimum(rate * risks.get(defect_class, 1.0), HIGHEST)
        has = rng.random(schedule.size) < rate
        more = rng.random(schedule.size) < SECOND_DEFECT
        found[defect_class] = (has + (has & more)).astype(np.int64)
    return found


def _ordinary_spread(
    rng: Rng, schedule: Schedule, supplies: Mapping[str, Supplies]
) -> Floats:
    """What products, lots and days do to the rate without anything being wrong."""
    log = _effect(rng, schedule.product, PRODUCT_SPREAD)
    day = np.floor(schedule.completed / 24.0).astype(np.int64) + DAYS
    log = log + _effect(rng, np.clip(day, 0, DAYS - 1), DAY_SPREAD)
    for supply in supplies.values():
        log = log + _effect(rng, supply.lot, LOT_SPREAD)
    return np.exp(log)


def _effect(rng: Rng, level: Ints, spread: float) -> Floats:
    return rng.normal(0.0, spread, int(level.max()) + 1)[level]
