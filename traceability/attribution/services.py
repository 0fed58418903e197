"""Start analyses and keep what they said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from traceability.attribution.models import AnalysisRun, Cause, Evidence, Problem
from traceability.catalog.models import DefectClass, Line
from traceability.jobs.models import Job, JobState
from traceability.jobs.services import enqueue
from traceability.outbox.services import emit, emit_all

TASK = "analytics.analyse_line"


def request_analysis(line: Line, *, at_once: bool = False) -> Job:
    """Ask for an analysis of `line`: one waits at a time, with a pause between two.

    It waits `ANALYSIS_PAUSE_SECONDS` before it starts, so that a burst of photos is
    one analysis and two never start closer together. `at_once` is a person asking:
    the pause does not apply.
    """
    return enqueue(
        TASK,
        {"line": line.pk},
        queue="analysis",
        tenant=line.site_id,
        dedup_key=_key(line.pk) + (":now" if at_once else ""),
        not_before=None if at_once else _due(),
    )


def analysis_waits(line_id: int) -> bool:
    """Whether one of that line has yet to begin and is due as soon as a new one would.

    It will read what was committed before this was asked; what the caller has written
    and not committed it may miss.
    """
    pending = Job.objects.filter(dedup_key=_key(line_id), state=JobState.PENDING)
    return pending.filter(not_before__lte=_due()).exists()


def _key(line_id: int) -> str:
    return f"analysis:{line_id}"


def _due() -> datetime:
    return timezone.now() + timedelta(seconds=settings.ANALYSIS_PAUSE_SECONDS)


@transaction.atomic
def store_run(line: Line, result: dict[str, Any], about: dict[str, Any]) -> AnalysisRun:
    """Keep an analysis: `result` is the JSON of `contracts.md`, `about` the run's own
    fields (state, message, window_start, window_end, parameters, code_version,
    started_at). Evidence frames are taken from each cause's `evidence`. Each of
    `departures`, parameters that are out of their limits, becomes an event of its own.
    """
    run = AnalysisRun.objects.create(
        line=line,
        units=result["units"],
        hypotheses=result["hypotheses"],
        seed=result["seed"],
        input_sha256=result["input_sha256"],
        result_sha256=result["result_sha256"],
        finished_at=timezone.now(),
        **about,
    )
    for problem in result["problems"]:
        _store_problem(run, problem)
    emit("analysis.finished", key=str(run.id), payload={"run": str(run.id)})
    _tell_departures(run, result.get("departures") or [])
    return run


def _tell_departures(run: AnalysisRun, departures: list[dict[str, Any]]) -> None:
    """One event for each parameter; those of a line are handed over in order."""
    at = run.finished_at.astimezone(UTC).isoformat()
    about = {"run": str(run.id), "line": run.line_id, "at": at}
    emit_all(
        ("parameter.outside", f"parameters:{run.line_id}", about | departure)
        for departure in departures
    )


def _store_problem(run: AnalysisRun, found: dict[str, Any]) -> Problem:
    defect_class, _ = DefectClass.objects.get_or_create(code=found["defect_class"])
    problem = Problem.objects.create(
        run=run,
        defect_class=defect_class,
        cluster=found["cluster"],
        question=found["question"],
        defective_units=found["defective_units"],
        rate=found["rate"],
        onset=_time(found["onset"]),
        last_defect_at=_time(found.get("last_defect_at")),
        unexplained_share=found["unexplained_share"],
        not_recorded=found["not_recorded"],
        credible_sets=found["credible_sets"],
        overview=found.get("overview") or {},
    )
    for cause in found["causes"]:
        _store_cause(problem, cause, chronic=False)
    for cause in found["chronic"]:
        _store_cause(problem, cause, chronic=True)
    return problem


def _store_cause(problem: Problem, found: dict[str, Any], *, chronic: bool) -> None:
    risk = found["relative_risk_interval"] or [None, None]
    attributable = found["attributable_interval"] or [None, None]
    onset = found["onset_interval"] or [None, None]
    cause = Cause.objects.create(
        problem=problem,
        chronic=chronic,
        rank=found["rank"],
        kind=found["kind"],
        operation=_text(found["operation"]),
        factor=found["factor"],
        level=found["level"],
        statement=found["statement"],
        confidence=found["confidence"],
        credible_set=found["credible_set"],
        relative_risk=found["relative_risk"],
        relative_risk_low=risk[0],
        relative_risk_high=risk[1],
        exposed_units=found["exposed_units"],
        exposed_rate=found["exposed_rate"],
        other_rate=found["other_rate"],
        attributable_defects=found["attributable_defects"],
        attributable_low=attributable[0],
        attributable_high=attributable[1],
        onset=_time(found["onset"]),
        onset_low=_time(onset[0]),
        onset_high=_time(onset[1]),
    )
    evidence = found.get("evidence")
    if evidence:
        Evidence.objects.create(cause=cause, chart=evidence["chart"], frame=evidence)


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None


def _text(value: object) -> str:
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value or "")
