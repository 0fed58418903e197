"""Two readings that only do harm together: both beyond a threshold at once.

Looked at where both parts have a signal of their own; the prior is shared over all
pairs of readings, directions and cuts that could have been looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analytics.core import evidence
from analytics.core.arrays import Bools, Floats, x_log_x
from analytics.core.cells import Family
from analytics.core.claims import Both, Claim
from analytics.core.finemap import Task
from analytics.core.thresholds import POINTS

LEAST_SIGNAL = 3.0
"""Log Bayes factor that each part must have by itself."""
MOST_OVERLAP = 0.5
LEAST_GAIN = 6.0
"""Log likelihood ratio of each part once the other is known."""
MOST_PARTS = 10
MOST_LOOKED_AT = 400
CUTS = 5
"""Cuts of each part that are tried with those of the other."""


@dataclass(frozen=True)
class Part:
    """One reading in one direction: its likeliest cuts and their units."""

    score: float
    claims: tuple[Claim, ...]
    members: tuple[Bools, ...]


def conjunctions(task: Task, n_readings: int) -> list[Family]:
    """For each pair of parts the best of their cuts; prior shares of one mass."""
    parts = _parts(task)
    looked_at = max(n_readings * (n_readings - 1) // 2 * 4 * POINTS.size**2, 1)
    families = [_best(task, a, b, looked_at) for a, b in combinations(parts, 2)]
    return [family for family in families if family is not None]


def _parts(task: Task) -> list[Part]:
    """The readings with the strongest signals, one entry for each direction."""
    scores = task.baseline_scores
    found: dict[tuple[str, ...], list[int]] = {}
    strong = np.argsort(-scores, kind="stable")[:MOST_LOOKED_AT]
    for hypothesis in strong[scores[strong] > LEAST_SIGNAL]:
        claim = task.space.claim(int(hypothesis))
        if claim.kind == "parameter" and not claim.level:
            found.setdefault(claim.group, []).append(int(hypothesis))
    parts = [_part(task, scores, own) for own in found.values()]
    return sorted(parts, key=lambda part: -part.score)[:MOST_PARTS]


def _part(task: Task, scores: Floats, hypotheses: list[int]) -> Part:
    best = sorted(hypotheses, key=lambda h: (-scores[h], h))[:CUTS]
    members = []
    for hypothesis in best:
        flags = np.zeros(task.observed.size, dtype=bool)
        flags[task.space.members(hypothesis)] = True
        members.append(flags)
    claims = tuple(task.space.claim(h) for h in best)
    return Part(float(scores[best[0]]), claims, tuple(members))


def _best(task: Task, first: Part, second: Part, looked_at: int) -> Family | None:
    """The pair of cuts with the most evidence; None where it is nothing new."""
    if _readings(first) & _readings(second):
        return None
    flags = [a & b for a in first.members for b in second.members]
    scores = _scores(task, flags)
    best = int(np.argmax(scores))
    if scores[best] <= max(first.score, second.score):
        return None
    i, j = divmod(best, len(second.members))
    if not _apart(task, first.members[i], second.members[j]):
        return None
    claims = Both(
        second.claims[j].operation,
        (first.claims[i],),
        (second.claims[j],),
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
    )
    cell = (~flags[best]).astype(np.uint8)
    zero, one = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    return Family(
        None, cell, None, 1, zero, one, np.array([-np.log(looked_at)]), claims
    )


def _readings(part: Part) -> set[tuple[str, str]]:
    """What is read: one reading, or the two of a derived one."""
    claim = part.claims[0]
    return {(claim.operation, name) for name in re.split(r" [-*] ", claim.factor)}


def _apart(task: Task, first: Bools, second: Bools) -> bool:
    """Two things, not one seen twice: a copy or a consequence adds nothing.

    They overlap little, and each matters among the units of the other.
    """
    overlap = (first & second).sum() / max((first | second).sum(), 1)
    gain = min(_gain(task, first, second), _gain(task, second, first))
    return bool(overlap < MOST_OVERLAP and gain > LEAST_GAIN)


def _gain(task: Task, within: Bools, other: Bools) -> float:
    """Log likelihood ratio of the other part mattering within the first."""
    inside, outside = within & other, within & ~other
    found = np.array([task.observed[own].sum() for own in (inside, outside)])
    usual = np.array([task.baseline[own].sum() for own in (inside, outside)])
    usual = np.maximum(usual, 1e-12)
    return float(x_log_x(found, usual).sum() - x_log_x(found.sum(), usual.sum()))


def _scores(task: Task, sets: list[Bools]) -> Floats:
    observed = np.array([task.by_stratum(task.observed * flags) for flags in sets])
    exposed = np.array([task.by_stratum(task.baseline * flags) for flags in sets])
    totals = task.by_stratum(task.observed), task.by_stratum(task.baseline)
    return evidence.log_bayes_factors(observed, exposed, *totals)
