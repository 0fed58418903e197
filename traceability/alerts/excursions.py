"""A defect rate that rose, as an analysis found it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from traceability.alerts import services
from traceability.alerts.models import Alert, AlertKind, AlertRule
from traceability.alerts.rates import rates_of
from traceability.alerts.selectors import closed_since_onset, rule_for, rules_at
from traceability.alerts.services import Sighting
from traceability.alerts.telling import Place
from traceability.attribution.models import AnalysisRun, Problem


def judge(run: AnalysisRun) -> list[Alert]:
    """Apply the rules for excursions to what the run found: one alert a class at most.

    Analyses come every few minutes and find the same excursion again: that repeats the
    alert. Once somebody has closed it, only a later onset raises another one.
    """
    rules = rules_at(AlertKind.EXCURSION, run.line, station=None)
    raised = []
    for problem in _worst_of_each_class(_excursions(run)):
        rule = rule_for(rules, problem.defect_class_id)
        if rule is None:
            continue
        seen = _sighting(rule, problem)
        if not closed_since_onset(seen.key, problem):
            raised.append(services.raise_alert(seen))
    return raised


def _excursions(run: AnalysisRun) -> Iterable[Problem]:
    """The run's problems with a rise that has a beginning, the smallest first."""
    return (
        run.problems.filter(question=Problem.Question.EXCURSION, onset__isnull=False)
        .select_related("defect_class", "run__line")
        .order_by("defective_units", "id")
    )


def _worst_of_each_class(problems: Iterable[Problem]) -> list[Problem]:
    return list({found.defect_class_id: found for found in problems}.values())


def _newest_sign(problem: Problem) -> datetime | None:
    """The last defect, or when the rate went back to what it was: that ended it."""
    rates = rates_of(problem)
    over = rates.quiet_since if rates is not None else None
    signs = [at for at in (problem.last_defect_at, over) if at is not None]
    return min(signs, default=None)


def _sighting(rule: AlertRule, problem: Problem) -> Sighting:
    line = problem.run.line
    onset = problem.onset or problem.run.finished_at
    newest = _newest_sign(problem) or onset
    return Sighting(
        rule=rule,
        key=f"excursion:{rule.pk}:{line.pk}:{problem.defect_class_id}",
        place=Place(line),
        defect_class=problem.defect_class,
        event_at=min(onset, newest),
        last_event_at=max(onset, newest),
        problem=problem,
    )
