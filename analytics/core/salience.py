"""What stands out before any defect is looked at: drifts and overdue maintenance.

A reading that left its usual range on one machine, or a machine far beyond its usual
hours between two maintenances, is a likelier cause than one that behaved. Salience
is computed from the factors alone, never from the defects, so it may shape the prior
without making the evidence count twice. It also tells apart what counts cannot:
"machine M3 since Tuesday" and "the temperature that left its range on M3 on Tuesday"
are the same units, but only the second says why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.core.arrays import Floats

BLOCKS = 24
UNITS_PER_BLOCK = 10
POWER = 4.0
MOST = 5.0
EVEN_SHARE = 0.25
"""Part of the prior that is spread evenly, whatever stands out."""
NORMAL_SPREAD = 1.4826
"""Standard deviation of a normal over its median absolute deviation."""


def drift_score(values: Floats) -> float:
    """How far the middle of a series wanders, in standard deviations within blocks.

    `values` in order of time, without gaps.
    """
    blocks = min(BLOCKS, values.size // UNITS_PER_BLOCK)
    if blocks < 2:
        return 0.0
    length = values.size // blocks
    parts = values[: blocks * length].reshape(blocks, length)
    middles = np.median(parts, axis=1)
    inside = np.median(np.abs(parts - middles[:, None]), axis=1)
    spread = NORMAL_SPREAD * float(np.median(inside))
    if spread == 0.0:
        return 0.0
    return float(np.abs(middles - np.median(middles)).max()) / spread


def overdue_score(ages: Floats) -> float:
    """The longest cycle over the usual one; `ages` in order of time."""
    longest = cycle_lengths(ages)
    usual = float(np.median(longest))
    return float(longest.max()) / usual if usual > 0 else 0.0


def cycle_lengths(ages: Floats) -> Floats:
    """The age reached at the end of each cycle of a saw-tooth."""
    falls = np.flatnonzero(np.diff(ages) < 0)
    ends: Floats = ages[np.append(falls, ages.size - 1)]
    return ends


def weights(scores: Sequence[float], shares: Sequence[float]) -> Floats:
    """Prior weights, summing to one, of series with these scores and even shares."""
    even = np.asarray(shares, dtype=np.float64)
    even = even / even.sum()
    score = np.asarray(scores, dtype=np.float64)
    usual = float(np.median(score)) or 1.0
    boosted = even * np.clip(score / usual, 1.0, MOST) ** POWER
    mixed: Floats = EVEN_SHARE * even + (1.0 - EVEN_SHARE) * boosted / boosted.sum()
    return mixed
