"""Which lot of each material every unit was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from traceability.demo.factory import MATERIALS, Line, Material
from traceability.demo.schedule import Floats, Ints, Rng, Schedule

LOT_BATCHES = (8, 18)


@dataclass(frozen=True)
class LargeLot:
    """A lot that makes a given share of the batches and is opened at a given time.

    Both are ranges; the time is a share of the month.
    """

    share: tuple[float, float]
    first_use: tuple[float, float]


BAD_LOT = LargeLot((0.14, 0.17), (0.15, 0.27))
PAIRED_LOT = LargeLot((0.2, 0.22), (0.02, 0.05))
"""Only what of it meets one machine is spoilt: it takes more of it to see that."""


@dataclass(frozen=True)
class Supplies:
    """The lots of one material on one line, and the one that each unit took."""

    material: Material
    numbers: tuple[str, ...]
    suppliers: tuple[str, ...]
    lot: Ints


def draw_supplies(
    rng: Rng, schedule: Schedule, large: Mapping[str, LargeLot]
) -> tuple[dict[str, Supplies], dict[str, int]]:
    """Supplies by material, and the code of each large lot that was asked for."""
    supplies, codes = {}, {}
    for material in MATERIALS:
        wanted = large.get(material.code)
        of_batch, code = _consume(rng, schedule.batches, material, wanted)
        numbers = _numbers(rng, schedule.line, material, int(of_batch.max()) + 1)
        suppliers = _suppliers(rng, material, len(numbers))
        lot = of_batch[schedule.batch]
        supplies[material.code] = Supplies(material, numbers, suppliers, lot)
        if wanted is not None:
            codes[material.code] = code
    return supplies, codes


def _consume(
    rng: Rng, batches: int, material: Material, wanted: LargeLot | None
) -> tuple[Ints, int]:
    """The lot of each batch, drawn from those open, and the large one (-1: none).

    An empty lot is replaced by the next.
    """
    large = wanted or BAD_LOT
    when = rng.uniform(*large.first_use) * batches
    size = round(rng.uniform(*large.share) * batches)
    opened = list(range(material.open_lots))
    left = [int(n) for n in rng.integers(*LOT_BATCHES, size=material.open_lots)]
    chosen, code = np.zeros(batches, dtype=np.int64), -1
    for batch in range(batches):
        place = int(rng.integers(material.open_lots))
        chosen[batch] = opened[place]
        left[place] -= 1
        if left[place] == 0:
            opened[place] = max(opened) + 1
            left[place] = int(rng.integers(*LOT_BATCHES))
            if wanted and code < 0 and batch > when:
                code, left[place] = opened[place], size
    return chosen, code


def _numbers(rng: Rng, line: Line, material: Material, count: int) -> tuple[str, ...]:
    """Numbers of deliveries in rising order, with gaps, apart for each line."""
    steps = np.cumsum(rng.integers(1, 9, size=count))
    first = line.number * 10_000 + int(rng.integers(1000, 9000))
    letters = "".join(part[0] for part in material.code.split("-"))
    return tuple(f"{letters}{first + int(step)}" for step in steps)


def _suppliers(rng: Rng, material: Material, count: int) -> tuple[str, ...]:
    """Who delivered each lot: in turns, so that none stands for one lot alone."""
    rounds = -(-count // len(material.suppliers))
    turns = [rng.permutation(material.suppliers) for _ in range(rounds)]
    return tuple(str(name) for name in np.concatenate(turns)[:count])


def exposure_to_lot(supplies: Supplies, lot: int) -> Floats:
    """1 for units made of the lot, else 0."""
    return np.where(supplies.lot == lot, 1.0, 0.0)
