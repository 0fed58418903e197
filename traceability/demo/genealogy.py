"""Which lot of each material every unit was made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traceability.demo.factory import MATERIALS, Line, Material
from traceability.demo.schedule import Floats, Ints, Rng, Schedule

LOT_BATCHES = (8, 18)
BAD_LOT_SHARE = (0.14, 0.17)
BAD_LOT_FIRST_USE = (0.15, 0.27)
"""Where in the month the bad lot is opened, as a share of it."""


@dataclass(frozen=True)
class Supplies:
    """The lots of one material on one line, and the one that each unit took."""

    material: Material
    numbers: tuple[str, ...]
    suppliers: tuple[str, ...]
    lot: Ints


def draw_supplies(
    rng: Rng, schedule: Schedule, bad_material: str | None
) -> tuple[dict[str, Supplies], int]:
    """Supplies by material, and the code of the bad lot (-1 where none is to be)."""
    supplies, bad = {}, -1
    for material in MATERIALS:
        wanted = material.code == bad_material
        of_batch, bad_here = _consume(rng, schedule.batches, material, wanted)
        numbers = _numbers(rng, schedule.line, material, int(of_batch.max()) + 1)
        suppliers = _suppliers(rng, material, len(numbers))
        lot = of_batch[schedule.batch]
        supplies[material.code] = Supplies(material, numbers, suppliers, lot)
        bad = bad_here if wanted else bad
    return supplies, bad


def _consume(
    rng: Rng, batches: int, material: Material, spoil: bool
) -> tuple[Ints, int]:
    """The lot of each batch, drawn from those open, and the one opened about when.

    An empty lot is replaced by the next. The lot that is to be bad is a large one.
    """
    when = rng.uniform(*BAD_LOT_FIRST_USE) * batches
    large = round(rng.uniform(*BAD_LOT_SHARE) * batches)
    opened = list(range(material.open_lots))
    left = [int(n) for n in rng.integers(*LOT_BATCHES, size=material.open_lots)]
    chosen, bad = np.zeros(batches, dtype=np.int64), -1
    for batch in range(batches):
        place = int(rng.integers(material.open_lots))
        chosen[batch] = opened[place]
        left[place] -= 1
        if left[place] == 0:
            opened[place] = max(opened) + 1
            left[place] = int(rng.integers(*LOT_BATCHES))
            if spoil and bad < 0 and batch > when:
                bad, left[place] = opened[place], large
    return chosen, bad


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
