"""What the workers are doing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import render

from traceability.catalog.models import Line
from traceability.dashboards.access import PageRequest, page
from traceability.inspection.models import Inspection
from traceability.jobs.models import OPEN_STATES, Job, JobState
from traceability.outbox import links

NEWEST = 100


@dataclass(frozen=True)
class Row:
    """A job, and the line or the serial number that it is about."""

    job: Job
    about: str


@page
def jobs(request: PageRequest) -> HttpResponse:
    """The newest jobs of the reader's sites, and how many are open at all."""
    state = request.GET.get("state", "")
    found = _visible(request).order_by("-created_at")
    if state in JobState.values:
        found = found.filter(state=state)
    rows = _rows(list(found[:NEWEST]))
    context = {
        "rows": rows,
        "state": state,
        "states": JobState.choices,
        "open": _open_counts(),
        "busy": any(row.job.state in OPEN_STATES for row in rows),
    }
    if settings.MQTT is not None and not request.htmx:
        context["link"] = links.health()
    template = "jobs/_rows.html" if request.htmx else "jobs/page.html"
    return render(request, template, context)


def _open_counts() -> dict[str, int]:
    """Waiting and running jobs; counts open rows only, by a partial index."""
    rows = Job.objects.filter(state__in=OPEN_STATES).values("state")
    counts = {row["state"]: row["n"] for row in rows.annotate(n=Count("pk"))}
    return {state.value: counts.get(state.value, 0) for state in OPEN_STATES}


def _visible(request: PageRequest) -> QuerySet[Job]:
    """The jobs of the reader's sites; administrators see those of no site, too."""
    if request.user.is_superuser:
        return Job.objects.all()
    return Job.objects.filter(tenant__in=[site.pk for site in request.sites])


def _rows(found: list[Job]) -> list[Row]:
    """The jobs with what they are about; two queries."""
    lines = Line.objects.filter(pk__in=_named(found, "line"))
    photos = Inspection.objects.select_related("image__unit").filter(
        pk__in=_uuids(_named(found, "inspection"))
    )
    about = {("line", str(line.pk)): str(line) for line in lines}
    about |= {("inspection", str(one.pk)): str(one.image.unit) for one in photos}
    return [Row(job, _about(job, about)) for job in found]


def _about(job: Job, about: dict[tuple[str, str], str]) -> str:
    keys = [(name, str(value)) for name, value in job.arguments.items()]
    return next((about[key] for key in keys if key in about), "")


def _named(found: Iterable[Job], name: str) -> list[str]:
    return [str(job.arguments[name]) for job in found if name in job.arguments]


def _uuids(texts: Iterable[str]) -> list[uuid.UUID]:
    return [uuid.UUID(text) for text in texts]
