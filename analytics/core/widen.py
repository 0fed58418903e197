"""Hypotheses beyond single cuts: finer ones, specification limits, pairs of readings.

Their prior is that of all that could have been formed, so looking first and weighing
afterwards earns nothing.
"""

from __future__ import annotations

from dataclasses import replace

from analytics.core.cells import Family
from analytics.core.conjunctions import conjunctions
from analytics.core.derived import derived_factors
from analytics.core.factors import Numeric
from analytics.core.finemap import Task
from analytics.core.hypotheses import CONJUNCTIONS, DERIVED, LIMITS
from analytics.core.limits import limit_families
from analytics.core.population import Outcome
from analytics.core.study import Study
from analytics.core.thresholds import thresholds, zoomed

MOST_ZOOMED = 24
LEAST_SCORE = -4.0
"""Log of evidence and prior below which a finer cut would not matter."""


def widened(study: Study, task: Task, outcome: Outcome) -> tuple[Study, Task]:
    """Both with finer cuts, derived readings and the conjunctions worth weighing."""
    task = _with(_zoomed(study, task, outcome), _limits(study, outcome))
    derived, formed = derived_factors(
        study.numeric, outcome.defective, outcome.inspected, _units(study)
    )
    study = replace(study, numeric=(*study.numeric, *derived))
    cuts = [cut for factor in derived for cut in _families(factor, formed, outcome)]
    task = _with(task, cuts)
    readings = sum(factor.kind == "parameter" for factor in study.numeric)
    both = conjunctions(task, readings)
    return study, _with(task, [family.scaled(CONJUNCTIONS) for family in both])


def _limits(study: Study, outcome: Outcome) -> list[Family]:
    """Readings outside their specification, with even shares of one mass."""
    families = list(limit_families(study))
    n = sum(family.size for family in families)
    return [family.scaled(LIMITS / n).seen(outcome.seen_at) for family in families]


def _units(study: Study) -> dict[tuple[str, str], str]:
    """Units of measure by operation and parameter."""
    known = study.bundle.parameters
    columns = ("operation", "parameter", "unit_of_measure")
    texts = [known[name].astype(str).tolist() for name in columns]
    return {
        (operation, name): unit for operation, name, unit in zip(*texts, strict=True)
    }


def _zoomed(study: Study, task: Task, outcome: Outcome) -> Task:
    """The thresholds with most to say, cut more finely."""
    scores = task.baseline_scores + task.space.log_prior
    families = list(task.space.families)
    best = [
        (float(scores[begin : begin + family.size].max()), number)
        for number, (family, begin) in enumerate(
            zip(families, task.space.offsets, strict=False)
        )
        if family.claims[0].shape in ("above", "below")
    ]
    for score, number in sorted(best, reverse=True)[:MOST_ZOOMED]:
        factor = study.factor(families[number].claims[0])
        if score > LEAST_SCORE and isinstance(factor, Numeric):
            fine = zoomed(factor, families[number])
            families[number] = fine.seen(outcome.seen_at)
    return task.with_families(families)


def _families(factor: Numeric, formed: int, outcome: Outcome) -> list[Family]:
    share = DERIVED / formed
    return [
        replace(family.scaled(share), derived=True).seen(outcome.seen_at)
        for family in thresholds(factor)
        if family.size
    ]


def _with(task: Task, families: list[Family]) -> Task:
    if not families:
        return task
    return task.with_families([*task.space.families, *families])
