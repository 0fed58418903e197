"""What the workers are doing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import render

from traceability.catalog.models import Line
from traceability.dashboards.access import PageRequest, page
from traceability.inspection.models import Inspection
from traceability.jobs.models import OPEN_STATES, Job, JobState

NEWEST = 100


@page
def jobs(request: PageRequest) -> HttpResponse:
    """The newest jobs about the reader's sites, and how many are open at all."""
    state = request.GET.get("state", "")
    found = Job.objects.order_by("-created_at")
    if state in JobState.values:
        found = found.filter(state=state)
    rows = _about_sites(request, list(found[:NEWEST]))
    context = {
        "jobs": rows,
        "state": state,
        "states": JobState.choices,
        "open": _open_counts(),
        "busy": any(job.state in OPEN_STATES for job in rows),
    }
    template = "jobs/_rows.html" if request.htmx else "jobs/page.html"
    return render(request, template, context)


def _open_counts() -> dict[str, int]:
    """Waiting and running jobs; counts open rows only, by a partial index."""
    rows = Job.objects.filter(state__in=OPEN_STATES).values("state")
    counts = {row["state"]: row["n"] for row in rows.annotate(n=Count("pk"))}
    return {state.value: counts.get(state.value, 0) for state in OPEN_STATES}


def _about_sites(request: PageRequest, found: list[Job]) -> list[Job]:
    """Leave out jobs about lines and photos of other sites; at most two queries.

    A job about neither is for administrators only.
    """
    if request.user.is_superuser:
        return found
    lines = Line.objects.filter(pk__in=_named(found, "line"), site__in=request.sites)
    photos = Inspection.objects.filter(
        pk__in=_uuids(_named(found, "inspection")), image__site__in=request.sites
    )
    mine = {("line", str(pk)) for pk in lines.values_list("pk", flat=True)}
    mine |= {("inspection", str(pk)) for pk in photos.values_list("pk", flat=True)}
    return [
        job
        for job in found
        if any((name, str(value)) in mine for name, value in job.arguments.items())
    ]


def _named(found: Iterable[Job], name: str) -> list[str]:
    return [str(job.arguments[name]) for job in found if name in job.arguments]


def _uuids(texts: Iterable[str]) -> list[uuid.UUID]:
    return [uuid.UUID(text) for text in texts]
