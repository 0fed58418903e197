"""What share of a rise the causes account for, and which causes were always there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analytics.core.arrays import Bools, Floats
from analytics.core.excursion import Excursion
from analytics.core.finemap import Task
from analytics.core.population import Outcome
from analytics.core.strength import Strength, strength_of

LEAST_SHARE = 0.25
"""Share of a rise that a cause must account for to be a cause of it."""
CLEAR = 3.0
"""Log Bayes factor from which a raised risk before the rise is clear."""

Exposure = tuple[float, Bools, Strength]
"""Confidence, exposed units and strength of one cause."""


def explained_share(
    outcome: Outcome, episode: Excursion | None, exposures: Sequence[Exposure]
) -> float:
    """Share (0..1) of the rise that goes away when the causes are set back.

    Without a rise: share of all defects. Causes count by their confidence; a unit
    with several causes counts once.
    """
    spared = _spared(outcome, exposures)
    if episode is None:
        return float(spared.sum() / max(outcome.defective.sum(), 1))
    during = episode.during & outcome.inspected
    before = outcome.inspected & ~episode.during
    rise = _rate(outcome.defective, during) - _rate(outcome.defective, before)
    gone = _rate(spared, during) - _rate(spared, before)
    return float(np.clip(gone / rise, 0.0, 1.0)) if rise > 0 else 0.0


def is_chronic(
    task: Task,
    expected: Floats,
    outcome: Outcome,
    exposure: Exposure,
    episode: Excursion,
) -> bool:
    """Was the risk clearly raised before the rise, and is the rise not its doing?

    What was always risky is a cause of a rise only if more units met it then.
    """
    _, exposed, strength = exposure
    before = outcome.inspected & ~episode.during
    calm = replace(
        task,
        observed=np.where(before, task.observed, 0.0),
        baseline=np.where(before, task.baseline, 0.0),
        made={},
    )
    early = strength_of(calm, np.where(before, expected, 0.0), exposed & before, before)
    alone = explained_share(outcome, episode, [(1.0, exposed, strength)])
    return early.log_evidence >= CLEAR and alone < LEAST_SHARE


def _spared(outcome: Outcome, exposures: Sequence[Exposure]) -> Floats:
    """Chance of each defect that it would not be there without the causes."""
    kept = outcome.defective.astype(np.float64)
    for confidence, exposed, strength in exposures:
        kept[exposed] *= 1.0 - confidence * (1.0 - 1.0 / max(strength.risk, 1.0))
    return outcome.defective - kept


def _rate(found: Floats | Bools, units: Bools) -> float:
    return float(found[units].sum() / max(int(units.sum()), 1))
