"""One class of defect: from its counts to a problem with ranked causes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.core.candidates import candidates_of, hidden_confidence, recorded
from analytics.core.clustering import Cluster
from analytics.core.containment import HELD_COLUMNS, Hold, held_units
from analytics.core.daily import daily_columns
from analytics.core.excursion import find_excursion
from analytics.core.finemap import Task, fit
from analytics.core.mechanism import put_in_order
from analytics.core.population import Outcome, outcome_of, timestamp
from analytics.core.ranking import ranked
from analytics.core.results import Coded, Options, Problem
from analytics.core.share import explained_share
from analytics.core.study import Study
from analytics.core.weighing import Situation, Weighed, weigh
from analytics.core.widen import widened

LEAST_DEFECTIVE = 5
LEAST_INSPECTED = 30


def explain(
    study: Study, defect_class: str, cluster: Cluster, options: Options
) -> Problem:
    """Rank what explains one cluster of a class, or say that there is too little."""
    outcome = outcome_of(study.bundle, study.population, defect_class, cluster.defects)
    defective = int(outcome.defective.sum())
    inspected = int(outcome.inspected.sum())
    if defective < LEAST_DEFECTIVE or inspected < LEAST_INSPECTED:
        return _too_little(study, outcome, cluster)
    study, task = widened(study, study.task(outcome), outcome)
    found = put_in_order(task, fit(task, options.effects), study.order)
    episode = find_excursion(study.population, task)
    candidates = candidates_of(found, task.space)
    told = recorded(candidates)
    now = Situation(study, outcome, task, found, episode)
    weighed = [weigh(now, candidate) for candidate in told]
    weighed = [own for own in weighed if own.strength.exposed_units]
    rising, chronic, sets = ranked(study, outcome, found, candidates, weighed)
    exposures = [(w.candidate.confidence, w.exposed, w.strength) for w in weighed]
    return Problem(
        defect_class=defect_class,
        cluster=cluster.name,
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


def _too_little(study: Study, outcome: Outcome, cluster: Cluster) -> Problem:
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
        cluster=cluster.name,
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


def _held(
    study: Study,
    outcome: Outcome,
    task: Task,
    weighed: list[Weighed],
    confidence: float,
) -> pd.DataFrame:
    """Units of the causes at or above a confidence, with the risk of their own mix."""
    acted_on = [w for w in weighed if w.candidate.confidence >= confidence]
    holds = [_hold(w) for w in acted_on]
    untouched = outcome.inspected & ~np.any([h.exposed for h in holds], axis=0)
    rates = study.rates(outcome, untouched) if holds else task.baseline
    return held_units(study.population, rates, holds, outcome.defect_class)


def _hold(weighed: Weighed) -> Hold:
    """The risk as it is expected: raised if the cause is one, as it was if not."""

    def expected(risk: float) -> float:
        return 1.0 + weighed.candidate.confidence * (risk - 1.0)

    low, high = weighed.strength.risk_interval
    interval = (expected(low), expected(high))
    return Hold(weighed.met, expected(weighed.strength.risk), interval)
