"""Golden templates: what each product's photos are compared with at each station."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from traceability.dashboards.access import PageRequest, page
from traceability.dashboards.filters import products, stations
from traceability.dashboards.paging import earlier
from traceability.inspection import golden
from traceability.inspection.models import GoldenTemplate

PAGE_SIZE = 48


class TemplateFilter(filters.FilterSet):  # type: ignore[misc]
    """The active templates, or with `state=all` the retired ones too."""

    product = filters.ModelChoiceFilter(
        queryset=products, label=_("Product"), empty_label=_("All products")
    )
    station = filters.ModelChoiceFilter(
        queryset=stations, label=_("Station"), empty_label=_("All stations")
    )
    state = filters.ChoiceFilter(
        choices=[("all", _("Also retired ones"))],
        method="filter_state",
        label=_("State"),
        empty_label=_("In use"),
    )

    class Meta:
        model = GoldenTemplate
        fields: list[str] = []

    @property
    def qs(self) -> QuerySet[GoldenTemplate]:
        found: QuerySet[GoldenTemplate] = super().qs
        if self.form.cleaned_data.get("state") == "all":
            return found
        return found.filter(retired_at__isnull=True)

    def filter_state(
        self, found: QuerySet[GoldenTemplate], name: str, value: Any
    ) -> QuerySet[GoldenTemplate]:
        """Widens; `qs` narrows what is left."""
        return found


@page
def templates(request: PageRequest) -> HttpResponse:
    """Newest first; `?before=` is the last row's `created_at`."""
    found = golden.visible(request.sites).order_by("-created_at")
    bar = TemplateFilter(request.GET, found, request=request)
    shown = earlier(bar.qs, "created_at", request.GET.get("before", ""))
    rows = list(shown[: PAGE_SIZE + 1])
    context = {
        "form": bar.form,
        "templates": rows[:PAGE_SIZE],
        "wanting": golden.wanting(request.sites),
        "filtered": bool(bar.form.changed_data),
        "older": rows[PAGE_SIZE - 1].created_at if len(rows) > PAGE_SIZE else None,
    }
    return render(request, "golden/list.html", context)
