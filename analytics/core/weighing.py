"""A candidate with its units, its strength and its onset."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analytics.core.arrays import Bools, Floats
from analytics.core.candidates import Candidate
from analytics.core.claims import Claim
from analytics.core.excursion import Excursion
from analytics.core.finemap import Fit, Task
from analytics.core.onset import Onset, rise_of_share
from analytics.core.population import Outcome
from analytics.core.share import is_chronic
from analytics.core.sharpen import Sharp, sharpened
from analytics.core.strength import (
    Strength,
    expected_without,
    spreads_of,
    strength_of,
    wander_of,
)
from analytics.core.study import Study
from analytics.core.thresholds import COMMISSIONING

WORTH = 0.05
"""Confidence from which the cut of a claim is placed between two units."""


@dataclass(frozen=True)
class Weighed:
    """A candidate as it is told.

    `claim`: with its cut in place. `exposed`: its units, inspected or not. `met`: the
    same with those that met it after they were looked at, which are to be held too.
    """

    candidate: Candidate
    claim: Claim
    exposed: Bools
    met: Bools
    strength: Strength
    onset: Onset | None
    chronic: bool


@dataclass(frozen=True)
class Situation:
    """What is known of one cluster of a class when its candidates are weighed."""

    study: Study
    outcome: Outcome
    task: Task
    found: Fit
    episode: Excursion | None

    @cached_property
    def spreads(self) -> list[float]:
        return spreads_of(self.task, self.found)


def weigh(now: Situation, candidate: Candidate) -> Weighed:
    """Everything that is told of one candidate."""
    study, outcome, task, episode = now.study, now.outcome, now.task, now.episode
    expected = expected_without(now.found, list(candidate.hypotheses))
    sharp = _sharp(now, expected, candidate)
    seen = sharp.exposed & outcome.inspected
    wander = wander_of(task, expected, now.spreads, seen)
    strength = strength_of(task, expected, seen, outcome.inspected, wander)
    exposure = (candidate.confidence, seen, strength)
    return Weighed(
        candidate=candidate,
        claim=sharp.claim,
        exposed=sharp.exposed,
        met=sharp.met,
        strength=strength,
        onset=sharp.onset or _onset(study, sharp),
        chronic=episode is not None
        and is_chronic(task, expected, outcome, exposure, episode),
    )


def _sharp(now: Situation, expected: Floats, candidate: Candidate) -> Sharp:
    task, claim = now.task, candidate.claim
    exposed = np.zeros(task.observed.size, dtype=bool)
    exposed[task.space.members(candidate.best)] = True
    if candidate.confidence < WORTH or claim.factor == COMMISSIONING:
        return Sharp(claim, exposed, exposed)
    factor = now.study.factor(claim)
    return sharpened(task, expected, claim, exposed, factor, now.outcome.seen_at)


def _onset(study: Study, sharp: Sharp) -> Onset | None:
    """When the cause began: the first unit of a lot, the rise of a reading."""
    claim, times = sharp.claim, _times(study, sharp.claim)
    if claim.kind == "lot" or any(part.kind == "lot" for part in claim.parts):
        first = float(times[sharp.exposed].min())
        return Onset(first, first, first)
    if claim.shape in ("above", "below"):
        order = np.argsort(times, kind="stable")
        return rise_of_share(sharp.exposed[order], times[order])
    return None


def _times(study: Study, claim: Claim) -> Floats:
    """When each unit met the operation of the claim, else when it was completed."""
    completed = study.population.completed
    visit = study.met.get(claim.operation)
    if visit is None:
        return completed
    return np.where(np.isfinite(visit.at), visit.at, completed)
