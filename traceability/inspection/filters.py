"""The filters of inspections, the same for the API and the pages."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from traceability.inspection.models import Inspection, InspectionState


class InspectionFilter(django_filters.FilterSet):  # type: ignore[misc]
    """All of them are in the query string; none needs a table scan of defects."""

    line = django_filters.CharFilter("image__station__line__code", label=_("Line"))
    station = django_filters.CharFilter("image__station__code", label=_("Station"))
    product = django_filters.CharFilter(
        "image__unit__product__code", label=_("Product")
    )
    serial = django_filters.CharFilter("image__unit__serial", label=_("Serial"))
    external_id = django_filters.CharFilter("image__external_id")
    state = django_filters.ChoiceFilter(
        choices=InspectionState.choices, label=_("State")
    )
    defective = django_filters.BooleanFilter(label=_("Defective"))
    defect_class = django_filters.CharFilter(method="has_class", label=_("Defect"))
    captured_after = django_filters.IsoDateTimeFilter(
        "image__captured_at", lookup_expr="gte", label=_("From")
    )
    captured_before = django_filters.IsoDateTimeFilter(
        "image__captured_at", lookup_expr="lt", label=_("Until")
    )

    class Meta:
        model = Inspection
        fields: list[str] = []

    def has_class(
        self, queryset: QuerySet[Inspection], name: str, value: Any
    ) -> QuerySet[Inspection]:
        found = queryset.filter(defects__defect_class__code=value)
        return found.distinct()
