"""Photos, what was seen on them, and what people say of that."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from traceability.dashboards.access import PageRequest, may_act, page, require_action
from traceability.dashboards.filters import InspectionFilter
from traceability.dashboards.labels import labels_of
from traceability.dashboards.paging import (
    Position,
    newer_than,
    older_than,
    page_of,
    without_cursor,
)
from traceability.dashboards.passport import passport_of, stages_of
from traceability.inspection.models import Inspection, Verdict
from traceability.inspection.selectors import visible, with_context
from traceability.inspection.services import give_verdict

PAGE_SIZE = 48
VIEWS = ("table", "gallery")


@page
def inspections(request: PageRequest) -> HttpResponse:
    bar = InspectionFilter(request.GET, visible(request.sites), request=request)
    found = with_context(bar.qs).prefetch_related("defects__defect_class")
    chosen = request.GET.get("view")
    query = without_cursor(request.GET)
    context = {
        "form": bar.form,
        "page": page_of(found, request.GET, PAGE_SIZE),
        "view": chosen if chosen in VIEWS else VIEWS[0],
        "query": query.urlencode(),
        "filtered": bool(set(query) - {"view"}),
    }
    return render(request, "inspections/list.html", context)


@page
def inspection(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    found = _get(request, pk)
    filtered = InspectionFilter(request.GET, visible(request.sites), request=request)
    query = without_cursor(request.GET).urlencode()
    place = Position.of(found)
    context = {
        "inspection": found,
        "defects": list(found.defects.all()),
        "labels": labels_of(found),
        "compared": _compared(found),
        "verdicts": _verdicts(found),
        "values": Verdict.Value.choices,
        "may_act": may_act(request.user, found.image.site_id),
        "passport": passport_of(found.image.unit),
        "stages": stages_of(found),
        "newer": _link(newer_than(filtered.qs, place), query),
        "older": _link(older_than(filtered.qs, place), query),
        "query": query,
    }
    return render(request, "inspections/page.html", context)


@require_POST
@page
def verdict(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Keep a verdict; answers with its panel, or with the page without htmx."""
    found = _get(request, pk)
    require_action(request.user, found.image.site_id)
    value = request.POST.get("value", "")
    if value not in Verdict.Value.values:
        raise Http404
    give_verdict(found, request.user, value, request.POST.get("note", ""))
    if not request.htmx:
        return redirect("inspection", pk)
    context = {
        "inspection": found,
        "verdicts": _verdicts(found),
        "values": Verdict.Value.choices,
        "may_act": True,
    }
    return render(request, "inspections/_verdict.html", context)


def _get(request: PageRequest, pk: uuid.UUID) -> Inspection:
    found = with_context(visible(request.sites)).select_related(
        "image__unit__batch", "image__unit__line", "image__site", "image__optics"
    )
    return get_object_or_404(found.prefetch_related("defects__defect_class"), pk=pk)


def _compared(found: Inspection) -> bool:
    """Whether the model saw a template beside the photo, which many ignore."""
    model = found.model_version
    return bool(found.image.template and model and model.wants_template)


def _verdicts(found: Inspection) -> list[Verdict]:
    return list(found.verdicts.select_related("user").order_by("-created_at"))


def _link(neighbours: QuerySet[Inspection], query: str) -> str | None:
    """The address of the nearest neighbour within the filter."""
    pk = neighbours.values_list("pk", flat=True).first()
    if pk is None:
        return None
    address = reverse("inspection", args=[pk])
    return f"{address}?{query}" if query else address
