"""One class of defect: from its counts to a problem with ranked causes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.core.arrays import Bools, Floats
from analytics.core.candidates import (
    Candidate,
    candidates_of,
    credible_groups,
    hidden_confidence,
    recorded,
)
from analytics.core.claims import Claim
from analytics.core.containment import HELD_COLUMNS, Hold, held_units
from analytics.core.daily import daily_columns
from analytics.core.excursion import Excursion, find_excursion
from analytics.core.exhibit_readings import limits_of
from analytics.core.exhibits import exhibit_for
from analytics.core.finemap import Fit, Task, fit
from analytics.core.onset import Onset, posterior_onset, rise_of_share
from analytics.core.population import Outcome, outcome_of, timestamp
from analytics.core.results import Cause, Coded, CredibleSet, Options, Problem
from analytics.core.separation import comparison
from analytics.core.share import explained_share, is_chronic
from analytics.core.statements import named
from analytics.core.strength import Strength, expected_without, strength_of
from analytics.core.study import Study

LEAST_DEFECTIVE = 5
LEAST_INSPECTED = 30


@dataclass(frozen=True)
class Weighed:
    """A candidate with its units and its strength."""

    candidate: Candidate
    exposed: Bools
    strength: Strength
    chronic: bool


def explain(study: Study, defect_class: str, options: Options) -> Problem:
    """Rank what explains one class of defect, or say that there is too little data."""
    outcome = outcome_of(study.bundle, study.population, defect_class)
    defective = int(outcome.defective.sum())
    inspected = int(outcome.inspected.sum())
    if defective < LEAST_DEFECTIVE or inspected < LEAST_INSPECTED:
        return _too_little(study, outcome)
    task = study.task(outcome)
    found = fit(task, options.effects)
    episode = find_excursion(study.population, task)
    candidates = candidates_of(found, task.space)
    told = recorded(candidates)
    weighed = [_weigh(study, outcome, task, found, episode, c) for c in told]
    causes, sets = _ranked(study, outcome, found, weighed)
    chronic = tuple(c for c, w in zip(causes, weighed, strict=True) if w.chronic)
    rising = tuple(c for c, w in zip(causes, weighed, strict=True) if not w.chronic)
    exposures = [(w.candidate.confidence, w.exposed, w.strength) for w in weighed]
    return Problem(
        defect_class=defect_class,
        cluster="all",
        defective_units=defective,
        inspected_units=inspected,
        rate=defective / inspected,
        question="excursion" if episode else "chronic",
        onset=timestamp(episode.onset.at) if episode else None,
        unexplained_share=1.0 - explained_share(outcome, episode, exposures),
        hidden_confidence=hidden_confidence(candidates),
        not_recorded=study.gaps,
        causes=rising,
        chronic=chronic,
        credible_sets=sets,
        notes=(),
        hypotheses=task.space.size,
        daily=daily_columns(outcome),
        held=_held(study, outcome, task, weighed, options.confidence),
    )


def _too_little(study: Study, outcome: Outcome) -> Problem:
    """Nothing is said about causes; the note says how much more data it takes."""
    defective = int(outcome.defective.sum())
    inspected = int(outcome.inspected.sum())
    params = {
        "defective_units": defective,
        "inspected_units": inspected,
        "needed_defective_units": LEAST_DEFECTIVE,
        "needed_inspected_units": LEAST_INSPECTED,
    }
    return Problem(
        defect_class=outcome.defect_class,
        cluster="all",
        defective_units=defective,
        inspected_units=inspected,
        rate=defective / max(inspected, 1),
        question="chronic",
        onset=None,
        unexplained_share=1.0,
        hidden_confidence=0.0,
        not_recorded=study.gaps,
        causes=(),
        chronic=(),
        credible_sets=(),
        notes=(Coded("too_little_data", params),),
        hypotheses=0,
        daily=daily_columns(outcome),
        held=pd.DataFrame({name: [] for name in HELD_COLUMNS}),
    )


def _weigh(
    study: Study,
    outcome: Outcome,
    task: Task,
    found: Fit,
    episode: Excursion | None,
    candidate: Candidate,
) -> Weighed:
    exposed = np.zeros(task.observed.size, dtype=bool)
    exposed[task.space.members(candidate.best)] = True
    expected = expected_without(found, list(candidate.hypotheses))
    strength = strength_of(task, expected, exposed, outcome.inspected)
    chronic = episode is not None and is_chronic(
        task, expected, exposed, outcome.inspected, episode
    )
    return Weighed(candidate, exposed, strength, chronic)


def _ranked(
    study: Study, outcome: Outcome, found: Fit, weighed: list[Weighed]
) -> tuple[list[Cause], tuple[CredibleSet, ...]]:
    """Causes in order, ranks counted within each list; sets name ranks of causes."""
    told = [w.candidate for w in weighed]
    groups = credible_groups(found, told)
    set_of = {
        place: number
        for number, group in reversed(list(enumerate(groups, start=1)))
        for place in group.members
    }
    ranks: list[int] = []
    for place, own in enumerate(weighed):
        same = [w for w in weighed[:place] if w.chronic == own.chronic]
        ranks.append(len(same) + 1)
    causes = [
        _cause(study, outcome, w, rank, set_of.get(place))
        for place, (w, rank) in enumerate(zip(weighed, ranks, strict=True))
    ]
    sets = tuple(
        CredibleSet(
            id=number,
            coverage=group.coverage,
            members=tuple(ranks[i] for i in group.members if not weighed[i].chronic),
            separate_by=comparison(
                [(weighed[i].candidate, weighed[i].strength) for i in group.members]
            ),
        )
        for number, group in enumerate(groups, start=1)
    )
    return causes, sets


def _cause(
    study: Study, outcome: Outcome, weighed: Weighed, rank: int, group: int | None
) -> Cause:
    claim, strength = weighed.candidate.claim, weighed.strength
    words = named(claim, lambda *place: limits_of(study, *place)[0])
    onset = _onset(study, weighed)
    began = timestamp(onset.at) if onset else None
    return Cause(
        rank=rank,
        kind=claim.kind,
        operation=claim.operation,
        factor=words.factor,
        level=words.level,
        statement=words.statement,
        confidence=weighed.candidate.confidence,
        credible_set=group,
        relative_risk=strength.risk,
        relative_risk_interval=strength.risk_interval,
        exposed_units=strength.exposed_units,
        exposed_rate=strength.exposed_rate,
        other_rate=strength.other_rate,
        attributable_defects=strength.attributable,
        attributable_interval=strength.attributable_interval,
        onset=began,
        onset_interval=(timestamp(onset.low), timestamp(onset.high)) if onset else None,
        evidence=exhibit_for(study, outcome, claim, weighed.exposed, began),
    )


def _onset(study: Study, weighed: Weighed) -> Onset | None:
    """When the cause began: its change point, or the first unit of a lot."""
    claim = weighed.candidate.claim
    if claim.shape == "onset":
        return _onset_of_claims(study, weighed.candidate)
    times = study.population.completed
    if claim.parts or claim.kind == "lot":
        first = float(times[weighed.exposed].min())
        return Onset(first, first, first)
    if claim.shape in ("above", "below"):
        return rise_of_share(weighed.exposed, times)
    return None


def _onset_of_claims(study: Study, candidate: Candidate) -> Onset:
    """Over the onsets of the same level, in proportion to their evidence."""
    claims: list[Claim] = [study.space.claim(i) for i in candidate.hypotheses]
    cuts = [(c.cut, w) for c, w in zip(claims, candidate.weights, strict=True)]
    dated = [(cut, weight) for cut, weight in cuts if np.isfinite(cut)]
    at: Floats = np.array([cut for cut, _ in dated])
    weights: Floats = np.array([weight for _, weight in dated])
    return posterior_onset(np.log(np.maximum(weights, 1e-12)), at)


def _held(
    study: Study,
    outcome: Outcome,
    task: Task,
    weighed: list[Weighed],
    confidence: float,
) -> pd.DataFrame:
    """Units of the causes at or above a confidence, with the risk of their own mix."""
    acted_on = [w for w in weighed if w.candidate.confidence >= confidence]
    holds = [
        Hold(study.exposed(w.candidate.best), w.strength.risk, w.strength.risk_interval)
        for w in acted_on
    ]
    untouched = outcome.inspected & ~np.any([h.exposed for h in holds], axis=0)
    rates = study.rates(outcome, untouched) if holds else task.baseline
    return held_units(study.population, rates, holds, outcome.defect_class)
