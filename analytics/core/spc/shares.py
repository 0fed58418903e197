"""Intervals of shares."""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Floats
from analytics.core.spc.normal import NORMAL_95


def wilson(n: Floats, found: Floats, z: float = NORMAL_95) -> tuple[Floats, Floats]:
    """Score interval of a share (Wilson 1927), usually 95 %; 0..1 where n is 0."""
    size = np.maximum(n, 1e-9)
    share = found / size
    middle = (share + z * z / (2 * size)) / (1 + z * z / size)
    reach = (
        z
        * np.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
        / (1 + z * z / size)
    )
    low = np.where(n > 0, np.maximum(middle - reach, 0.0), 0.0)
    high = np.where(n > 0, np.minimum(middle + reach, 1.0), 1.0)
    return low, high
