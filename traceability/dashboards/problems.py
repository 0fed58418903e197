"""Problems and their ranked causes: the heart of the house."""

from __future__ import annotations

import uuid

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _

from traceability.attribution import wording
from traceability.attribution.credible import leading
from traceability.attribution.models import Problem
from traceability.attribution.selectors import (
    current_problems,
    newer_than,
    problems_of,
)
from traceability.catalog.models import DefectClass, Line
from traceability.dashboards import filters
from traceability.dashboards.access import PageRequest, page
from traceability.dashboards.evidence import board_exhibit, rate_exhibit
from traceability.dashboards.ranking import Listing, ranked
from traceability.inspection.models import Inspection
from traceability.inspection.selectors import visible, with_class, with_context

STRIP = 12


class ProblemForm(forms.Form):
    """The filter of the list; a wrong value filters nothing."""

    line = forms.ModelChoiceField(
        Line.objects.none(), required=False, empty_label=_("All lines"), label=_("Line")
    )
    defect = forms.ModelChoiceField(
        DefectClass.objects.all(),
        to_field_name="code",
        required=False,
        empty_label=_("Any defect"),
        label=_("Defect"),
    )

    def __init__(self, request: PageRequest) -> None:
        super().__init__(request.GET)
        self.fields["line"].queryset = filters.lines(request)  # type: ignore[attr-defined]
        self.full_clean()


@page
def problems(request: PageRequest) -> HttpResponse:
    form = ProblemForm(request)
    found = current_problems(request.sites)
    if line := form.cleaned_data.get("line"):
        found = found.filter(run__line=line)
    if defect := form.cleaned_data.get("defect"):
        found = found.filter(defect_class=defect)
    context = {"form": form, "problems": list(found), "filtered": bool(line or defect)}
    return render(request, "problems/list.html", context)


@page
def problem(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(problems_of(request.sites), pk=pk)
    every = list(found.causes.all())
    causes = ranked(found, [cause for cause in every if not cause.chronic])
    chronic = ranked(found, [cause for cause in every if cause.chronic])
    context = {
        "problem": found,
        "newer": newer_than(found),
        "rate": rate_exhibit(found),
        "board": board_exhibit(found),
        "causes": Listing.of(causes),
        "chronic": Listing.of(chronic),
        "silent": leading(found) is None,
        "hidden": wording.hidden(found.overview.get("hidden_confidence") or 0.0),
        "notes": [wording.note(note) for note in found.overview.get("notes", [])],
        "photos": _photos(request, found),
    }
    return render(request, "problems/page.html", context)


def _photos(request: PageRequest, found: Problem) -> list[Inspection]:
    """The newest photos that show the defect in the time the problem is about."""
    shown = with_class(visible(request.sites), found.defect_class.code).filter(
        image__station__line=found.run.line_id
    )
    since = found.onset or found.run.window_start
    if since is not None:
        shown = shown.filter(image__captured_at__gte=since)
    if found.run.window_end is not None:
        shown = shown.filter(image__captured_at__lte=found.run.window_end)
    newest = with_context(shown).prefetch_related("defects__defect_class")
    return list(newest.order_by("-image__captured_at")[:STRIP])
