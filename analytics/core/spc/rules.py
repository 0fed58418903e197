"""Tests for special causes: Nelson's eight and the four of Western Electric.

Nelson (1984), Journal of Quality Technology 16. All take standardised points, (value -
centre) / sigma, in order of time, and flag the point that completes the pattern.
"""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Bools, Floats
from analytics.core.spc.variables import sigma_of_moving_range

SAME_SIDE = 9
TREND = 6
ALTERNATING = 14
HUGGING = 15
AVOIDING = 8
WESTERN_ELECTRIC_SIDE = 8


def standardised(
    values: Floats, centre: float | None = None, sigma: float | None = None
) -> Floats:
    """Distance from the centre in sigmas; all zero where nothing varies."""
    if centre is None:
        centre = float(values.mean()) if values.size else 0.0
    spread = sigma_of_moving_range(values) if sigma is None else sigma
    return (values - centre) / spread if spread > 0.0 else np.zeros(values.size)


def nelson(z: Floats) -> dict[int, Bools]:
    """Rule 1..8 → the points at which it signals."""
    return {
        1: beyond_three_sigmas(z),
        2: same_side(z),
        3: trend(z),
        4: alternating(z),
        5: two_of_three(z),
        6: four_of_five(z),
        7: hugging_the_centre(z),
        8: avoiding_the_centre(z),
    }


def western_electric(z: Floats) -> dict[int, Bools]:
    """Zone rule 1..4 of the Western Electric handbook (1956) → where it signals.

    All four together: a false alarm every 91.75 points (Champ and Woodall 1987).
    """
    return {
        1: beyond_three_sigmas(z),
        2: two_of_three(z),
        3: four_of_five(z),
        4: same_side(z, WESTERN_ELECTRIC_SIDE),
    }


def beyond_three_sigmas(z: Floats) -> Bools:
    """Rule 1: one point beyond three sigmas."""
    beyond: Bools = np.abs(z) > 3.0
    return beyond


def same_side(z: Floats, length: int = SAME_SIDE) -> Bools:
    """Rule 2: nine points in a row on one side of the centre."""
    return _count(z > 0, length, length) | _count(z < 0, length, length)


def trend(z: Floats) -> Bools:
    """Rule 3: six points in a row, each higher, or each lower, than the last."""
    steps = np.diff(z)
    rises = _count(steps > 0, TREND - 1, TREND - 1)
    return _later(rises | _count(steps < 0, TREND - 1, TREND - 1), z.size)


def alternating(z: Floats) -> Bools:
    """Rule 4: fourteen points in a row, up and down in turn."""
    steps = np.diff(z)
    turns = steps[1:] * steps[:-1] < 0
    return _later(_count(turns, ALTERNATING - 2, ALTERNATING - 2), z.size)


def two_of_three(z: Floats) -> Bools:
    """Rule 5: the point and one of the two before beyond two sigmas, one side."""
    return _some_of(z > 2.0, 2, 3) | _some_of(z < -2.0, 2, 3)


def four_of_five(z: Floats) -> Bools:
    """Rule 6: the point and three of the four before beyond one sigma, one side."""
    return _some_of(z > 1.0, 4, 5) | _some_of(z < -1.0, 4, 5)


def hugging_the_centre(z: Floats) -> Bools:
    """Rule 7: fifteen points in a row within one sigma."""
    return _count(np.abs(z) < 1.0, HUGGING, HUGGING)


def avoiding_the_centre(z: Floats) -> Bools:
    """Rule 8: eight points in a row, on either side, none within one sigma."""
    return _count(np.abs(z) > 1.0, AVOIDING, AVOIDING)


def _some_of(flags: Bools, least: int, among: int) -> Bools:
    return flags & _count(flags, least, among)


def _count(flags: Bools, least: int, among: int) -> Bools:
    """Where at least `least` of the last `among` flags are set, this one included."""
    running = np.concatenate([[0], np.cumsum(flags)])
    before = running[np.maximum(np.arange(flags.size) + 1 - among, 0)]
    enough: Bools = running[1:] - before >= least
    return enough


def _later(flags: Bools, size: int) -> Bools:
    """Flags of differences, moved to the last of the points that they compare."""
    moved = np.zeros(size, dtype=bool)
    if flags.size:
        moved[size - flags.size :] = flags
    return moved
