"""The inbox of alerts."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from traceability.accounts.models import User
from traceability.alerts import services
from traceability.alerts.models import Alert, AlertState
from traceability.alerts.selectors import alerts_of, shown_defect
from traceability.alerts.wording import degraded_facts, parameter_facts
from traceability.attribution.credible import POSSIBLE
from traceability.attribution.selectors import problems_of
from traceability.dashboards.access import PageRequest, may_act, page, require_action
from traceability.dashboards.paging import earlier
from traceability.dashboards.ranking import Card, ranked
from traceability.inspection.models import Inspection
from traceability.inspection.selectors import visible, with_context

PAGE_SIZE = 50
CAUSES_SHOWN = 3
ALL = "all"


@page
def alerts(request: PageRequest) -> HttpResponse:
    """The inbox by state, newest first; `?before=` is the last row's `raised_at`."""
    state = request.GET.get("state", AlertState.OPEN)
    state = state if state in AlertState.values else ALL
    found = alerts_of(request.sites)
    if state != ALL:
        found = found.filter(state=state)
    shown = earlier(found, "raised_at", request.GET.get("before", ""))
    rows = list(shown[: PAGE_SIZE + 1])
    context = {
        "state": state,
        "states": AlertState.choices,
        "alerts": rows[:PAGE_SIZE],
        "older": rows[PAGE_SIZE - 1].raised_at if len(rows) > PAGE_SIZE else None,
    }
    return render(request, "alerts/list.html", context)


@page
def alert(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    found = _get(request, pk)
    context = {
        "alert": found,
        "may_act": may_act(request.user, found.site_id),
        "causes": _causes(request, found),
        "photo": _photo(request, found),
        "facts": parameter_facts(found) + degraded_facts(found),
    }
    return render(request, "alerts/page.html", context)


def _get(request: PageRequest, pk: uuid.UUID) -> Alert:
    found = alerts_of(request.sites).select_related("acknowledged_by", "closed_by")
    return get_object_or_404(found, pk=pk)


def _photo(request: PageRequest, found: Alert) -> Inspection | None:
    """The photo that shows the defect best."""
    defect = shown_defect(found)
    if defect is None:
        return None
    shown = with_context(visible(request.sites)).prefetch_related("defects")
    return shown.filter(pk=defect.inspection_id).first()


def _causes(request: PageRequest, found: Alert) -> list[Card]:
    """What the analysis suspects behind it; nothing before there is one."""
    if found.problem_id is None:
        return []
    problem = problems_of(request.sites).get(pk=found.problem_id)
    rise = [cause for cause in problem.causes.all() if not cause.chronic]
    named = [cause for cause in rise if cause.confidence >= POSSIBLE]
    groups = ranked(problem, named[:CAUSES_SHOWN])
    return [card for group in groups for card in group.cards]


@require_POST
@page
def acknowledge(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    return _act(request, pk, services.acknowledge)


@require_POST
@page
def close(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    return _act(request, pk, services.close)


def _act(
    request: PageRequest, pk: uuid.UUID, action: Callable[[Alert, User], object]
) -> HttpResponse:
    """Do it once; answers with the state's panel, or the page without htmx."""
    found = _get(request, pk)
    require_action(request.user, found.site_id)
    action(found, request.user)
    if not request.htmx:
        return redirect("alert", pk)
    context = {
        "alert": _get(request, pk),
        "may_act": True,
    }
    return render(request, "alerts/_state.html", context)
