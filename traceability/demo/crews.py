"""Who worked when: crews by shifts of eight hours, operators by machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from traceability.demo.factory import DAYS
from traceability.demo.schedule import Floats, Ints, Rng, Schedule

SHIFT_HOURS = 8.0
SHIFTS = DAYS * 3
OPERATORS_PER_CREW = 4
COMPANY = 0.72
"""How often the decoy crew works a shift in which its cause acts."""
ELSEWHERE = 0.1
ACTS = 0.12
"""A cause acts in a shift when this share of its units is exposed."""


@dataclass(frozen=True)
class Crews:
    """The crew and the operator of each unit at each operation."""

    names: tuple[str, ...]
    crew: Ints
    operator: Ints

    def operator_names(self, line_number: int) -> list[str]:
        count = len(self.names) * OPERATORS_PER_CREW
        return [f"OP-{line_number}{n + 1:02d}" for n in range(count)]

    def levels_of(self, line_number: int, crew: int) -> tuple[str, ...]:
        """The names of a crew and of its operators."""
        first = crew * OPERATORS_PER_CREW
        own = self.operator_names(line_number)[first : first + OPERATORS_PER_CREW]
        return (self.names[crew], *own)


def draw_crews(rng: Rng, schedule: Schedule, roster: Ints) -> Crews:
    """Crews as the roster says; in a crew each batch has one operator a step."""
    crew = roster[_shift(schedule.started)]
    of_batch = rng.integers(
        OPERATORS_PER_CREW, size=(schedule.batches, schedule.started.shape[1])
    )
    operator = crew * OPERATORS_PER_CREW + of_batch[schedule.batch]
    return Crews(schedule.line.crews, crew, operator)


def plain_roster(rng: Rng, crews: int) -> Ints:
    """Crews take turns, with a swap now and then."""
    roster = np.arange(SHIFTS) % crews
    swapped = rng.random(SHIFTS) < 0.15
    return np.where(swapped, rng.integers(crews, size=SHIFTS), roster)


def roster_with_decoy(
    rng: Rng, crews: int, decoy: int, started: Floats, exposure: Floats
) -> Ints:
    """A roster in which the decoy crew mostly works when the exposure is high."""
    shift = _shift(started)
    units = np.bincount(shift, minlength=SHIFTS)
    exposed = np.bincount(shift, weights=exposure, minlength=SHIFTS)
    acts = exposed > ACTS * np.maximum(units, 1)
    works = rng.random(SHIFTS) < np.where(acts, COMPANY, ELSEWHERE)
    others = (decoy + 1 + np.arange(SHIFTS) % (crews - 1)) % crews
    return np.where(works, decoy, others)


def _shift(started: Floats) -> Ints:
    """The shift of each time, 0 the oldest."""
    shift = np.floor(started / SHIFT_HOURS).astype(np.int64) + SHIFTS
    return np.clip(shift, 0, SHIFTS - 1)
