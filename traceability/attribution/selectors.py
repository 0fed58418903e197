"""Reading what the analyses said."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from traceability.attribution.models import AnalysisRun, Cause, Problem
from traceability.attribution.places import same_place
from traceability.catalog.models import Line, Site

_FOREMOST = ("-question", "-onset", "-defective_units")


def newest_runs(sites: Iterable[Site]) -> QuerySet[AnalysisRun]:
    """The latest analysis of each line."""
    newest = AnalysisRun.objects.filter(line=OuterRef("pk")).order_by("-finished_at")
    lines = Line.objects.filter(site__in=list(sites))
    return AnalysisRun.objects.filter(
        pk__in=lines.annotate(run=Subquery(newest.values("pk")[:1])).values("run")
    )


def current_problems(sites: Iterable[Site]) -> QuerySet[Problem]:
    """Problems of the latest analyses, newest rise first, each with its causes.

    Three queries.
    """
    causes = Cause.objects.order_by("chronic", "rank")
    return (
        Problem.objects.filter(run__in=newest_runs(sites))
        .select_related("run__line", "defect_class")
        .prefetch_related(Prefetch("causes", causes))
        .order_by(*_FOREMOST)
    )


def problems_now(line: Line) -> QuerySet[Problem]:
    """Those of the line's latest analysis alone, without their causes, in that order.

    One query, for who asks with every defective photo.
    """
    runs = AnalysisRun.objects.filter(line=line).order_by("-finished_at")
    return Problem.objects.filter(run=Subquery(runs.values("pk")[:1])).order_by(
        *_FOREMOST
    )


def problems_of(sites: Iterable[Site]) -> QuerySet[Problem]:
    """Every problem ever found, with all its causes and their evidence."""
    causes = Cause.objects.select_related("evidence").order_by("chronic", "rank")
    return (
        Problem.objects.filter(run__line__site__in=list(sites))
        .select_related("run__line__site", "defect_class")
        .prefetch_related(Prefetch("causes", causes))
    )


def newer_than(problem: Problem) -> Problem | None:
    """The same defect at the same place in a later analysis of the line, the latest.

    Reads `problem.run`.
    """
    later = Problem.objects.filter(
        run__line=problem.run.line_id,
        run__finished_at__gt=problem.run.finished_at,
        defect_class=problem.defect_class_id,
    ).order_by("-run__finished_at", "-defective_units")
    names = later.values_list("cluster", flat=True).distinct().order_by()
    same = [name for name in names if same_place(name, problem.cluster)]
    return later.filter(cluster__in=same).first()
