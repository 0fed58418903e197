"""What stands out before any defect is looked at: drifts and overdue maintenance.

A reading that left its usual range on one machine, or a machine far beyond its usual
hours between two maintenances, is a likelier cause than one that behaved. Salience
is computed from the factors alone, never from the defects, so it may shape the prior
without making the evidence count twice. It also tells apart what counts cannot:
"machine M3 since Tuesday" and "the temperature that left its range on M3 on Tuesday"
are the same units, but only the second says why.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.core.arrays import Floats
from analytics.core.grouping import Groups

POWER = 4.0
MOST = 5.0
EVEN_SHARE = 0.25
"""Part of the prior that is spread evenly, whatever stands out."""


def drift_scores(values: NDArray[np.floating[Any]], groups: Groups) -> Floats:
    """How far each group's series wanders, in standard deviations within blocks.

    `values`: of the units of the groups, in order of time. Returns (groups,).
    """
    block, group = groups.blocks
    n = np.bincount(block, minlength=group.size)
    centred = values - float(np.mean(values))
    mean = np.bincount(block, centred, minlength=group.size) / n
    square = np.bincount(block, centred**2, minlength=group.size) / n
    inside = np.maximum(square - mean**2, 0.0)
    scores = np.zeros(groups.n)
    for own in range(groups.n):
        middles, within = mean[group == own], float(np.median(inside[group == own]))
        if middles.size > 1 and within > 0.0:
            away = np.abs(middles - np.median(middles)).max()
            scores[own] = float(away) / np.sqrt(within)
    return scores


def overdue_scores(ages: NDArray[np.floating[Any]], groups: Groups) -> Floats:
    """The longest cycle of each group over its usual one, (groups,)."""
    return np.array([overdue_score(ages[places]) for places in groups.places])


def overdue_score(ages: NDArray[np.floating[Any]]) -> float:
    """The longest cycle over the usual one; `ages` in order of time."""
    longest = cycle_lengths(ages)
    usual = float(np.median(longest))
    return float(longest.max()) / usual if usual > 0 else 0.0


def cycle_lengths(ages: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The age reached at the end of each cycle of a saw-tooth."""
    falls = np.flatnonzero(np.diff(ages) < 0)
    ends: NDArray[np.floating[Any]] = ages[np.append(falls, ages.size - 1)]
    return ends


def standing_out(scores: Floats, shares: Floats) -> Floats:
    """Prior shares of hypotheses of a kind: of series with these scores and shares.

    They sum to what they summed to before.
    """
    usual = float(np.median(scores)) or 1.0
    boosted = shares * np.clip(scores / usual, 1.0, MOST) ** POWER
    boosted = boosted * (shares.sum() / boosted.sum())
    mixed: Floats = EVEN_SHARE * shares + (1.0 - EVEN_SHARE) * boosted
    return mixed
