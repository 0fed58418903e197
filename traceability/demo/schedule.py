"""When each unit of a line met which machine.

All times are hours before the present: 0 is now, -720 is thirty days ago.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traceability.demo.factory import HOURS, OPERATIONS, PRODUCTS, Line

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Rng = np.random.Generator

BATCH_UNITS = (8, 13)
LAST_ENTRY_HOURS = -5.6
"""A unit that enters now would still be on the line; this one was just inspected."""


@dataclass(frozen=True)
class Schedule:
    """The units of a line in the order in which they entered it.

    `batch`, `product`: one code for each unit. `started`, `ended`, `machine`: one
    row for each unit, one column for each operation.
    """

    line: Line
    batch: Ints
    product: Ints
    started: Floats
    ended: Floats
    machine: Ints
    completed: Floats
    inspected: Floats

    @property
    def size(self) -> int:
        return len(self.batch)

    @property
    def batches(self) -> int:
        return int(self.batch[-1]) + 1

    def first_of_batch(self) -> Ints:
        """Row of the first unit of every batch."""
        return np.searchsorted(self.batch, np.arange(self.batches)).astype(np.int64)


def draw_schedule(rng: Rng, line: Line) -> Schedule:
    """Batches of one product each, one after the other, around the clock."""
    batch = _batches(rng, line.units)
    batches = int(batch[-1]) + 1
    product = (rng.random(batches) < 0.4).astype(np.int64)
    entered = np.linspace(-HOURS, LAST_ENTRY_HOURS, line.units)
    started = entered[:, None] + _offsets() + rng.uniform(0, 0.3, (line.units, 5))
    ended = started + rng.uniform(0.1, 0.3, started.shape)
    completed = ended[:, -1] + rng.uniform(0.05, 0.2, line.units)
    return Schedule(
        line=line,
        batch=batch,
        product=product[batch],
        started=started,
        ended=ended,
        machine=_machines(rng, line, product)[batch],
        completed=completed,
        inspected=completed + rng.uniform(0.1, 0.6, line.units),
    )


def _offsets() -> Floats:
    return np.array([operation.offset_hours for operation in OPERATIONS])


def _batches(rng: Rng, units: int) -> Ints:
    sizes = rng.integers(*BATCH_UNITS, size=units)
    return np.repeat(np.arange(units), sizes)[:units].astype(np.int64)


def _machines(rng: Rng, line: Line, product: Ints) -> Ints:
    """A machine for each batch and operation; each product leans towards one."""
    columns = [_preferring(rng, product, count) for count in line.machines]
    return np.column_stack(columns)


def _preferring(rng: Rng, product: Ints, count: int) -> Ints:
    anything = rng.integers(count, size=len(product))
    usual = rng.integers(count, size=len(PRODUCTS))[product]
    return np.where(rng.random(len(product)) < 0.15, usual, anything)
