"""The filter bars. Every field is a parameter of the address, so that a link is all."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from traceability.catalog.models import DefectClass, Line, Product, Station
from traceability.inspection.filters import BaseInspectionFilter
from traceability.inspection.models import Inspection, InspectionState
from traceability.inspection.selectors import DEFECTIVE, GOOD
from traceability.lib.moments import check_plausible

OUTCOMES = [
    ("defective", _("Defective")),
    ("good", _("Good")),
    ("pending", _("Waiting")),
    ("failed", _("Failed")),
]
REVIEWS = [
    ("none", _("Not reviewed")),
    ("confirmed", _("Confirmed")),
    ("false_alarm", _("False alarm")),
    ("missed", _("Missed defect")),
]


def lines(request: HttpRequest) -> QuerySet[Line]:
    return Line.objects.filter(site__in=request.sites)  # type: ignore[attr-defined]


def stations(request: HttpRequest) -> QuerySet[Station]:
    return Station.objects.filter(site__in=request.sites)  # type: ignore[attr-defined]


def products(request: HttpRequest) -> QuerySet[Product]:
    return Product.objects.filter(site__in=request.sites)  # type: ignore[attr-defined]


def _day(label: Any, method: str) -> filters.DateFilter:
    """A day of the reader's clock."""
    return filters.DateFilter(
        method=method,
        label=label,
        validators=[check_plausible],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class InspectionFilter(BaseInspectionFilter):
    """Which inspections the pages show. Invalid values filter nothing and are named."""

    serial = filters.CharFilter(
        field_name="image__unit__serial",
        lookup_expr="startswith",
        label=_("Serial number"),
        widget=forms.TextInput(
            attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    line = filters.ModelChoiceFilter(
        field_name="image__station__line",
        queryset=lines,
        label=_("Line"),
        empty_label=_("All lines"),
    )
    station = filters.ModelChoiceFilter(
        field_name="image__station",
        queryset=stations,
        label=_("Station"),
        empty_label=_("All stations"),
    )
    product = filters.ModelChoiceFilter(
        field_name="image__unit__product",
        queryset=products,
        label=_("Product"),
        empty_label=_("All products"),
    )
    defect = filters.ModelChoiceFilter(
        queryset=DefectClass.objects.all(),
        to_field_name="code",
        method="filter_class",
        label=_("Defect"),
        empty_label=_("Any defect"),
    )
    outcome = filters.ChoiceFilter(
        choices=OUTCOMES,
        method="filter_outcome",
        label=_("Result"),
        empty_label=_("Any result"),
    )
    review = filters.ChoiceFilter(
        choices=REVIEWS,
        method="filter_review",
        label=_("Review"),
        empty_label=_("Any review"),
    )
    since = _day(_("From"), "filter_since")
    until = _day(_("To"), "filter_until")

    def filter_outcome(
        self, found: QuerySet[Inspection], name: str, value: str
    ) -> QuerySet[Inspection]:
        if value in (InspectionState.PENDING, InspectionState.FAILED):
            return found.filter(state=value)
        wanted = DEFECTIVE if value == "defective" else GOOD
        return found.filter(wanted, state=InspectionState.DONE)

    def filter_review(
        self, found: QuerySet[Inspection], name: str, value: str
    ) -> QuerySet[Inspection]:
        wanted = Q(verdict__isnull=True) if value == "none" else Q(verdict=value)
        return found.filter(wanted)

    def filter_since(
        self, found: QuerySet[Inspection], name: str, value: date
    ) -> QuerySet[Inspection]:
        return found.filter(image__captured_at__gte=_midnight(value))

    def filter_until(
        self, found: QuerySet[Inspection], name: str, value: date
    ) -> QuerySet[Inspection]:
        """The last day counts in full."""
        return found.filter(image__captured_at__lt=_midnight(value + timedelta(days=1)))


class PeriodForm(forms.Form):
    """The overview's filter; a wrong value falls back to its default."""

    DAYS = [(7, _("7 days")), (30, _("30 days")), (90, _("90 days"))]

    days = forms.TypedChoiceField(choices=DAYS, coerce=int, initial=30, required=False)
    line = forms.ModelChoiceField(
        Line.objects.none(), required=False, empty_label=_("All lines"), label=_("Line")
    )
    product = forms.ModelChoiceField(
        Product.objects.none(),
        required=False,
        empty_label=_("All products"),
        label=_("Product"),
    )

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.GET)
        self.fields["line"].queryset = lines(request)  # type: ignore[attr-defined]
        self.fields["product"].queryset = products(request)  # type: ignore[attr-defined]
        self.full_clean()

    def value(self, name: str) -> Any:
        """The clean value, or the default when what was sent cannot be used."""
        return self.cleaned_data.get(name) or self.fields[name].initial
