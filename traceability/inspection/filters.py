"""The filters of inspections: what the API and the pages share, and those of the API.

The pages' own, with widgets and a reader's words, are in `dashboards/filters.py`.
"""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from traceability.catalog.models import DefectClass
from traceability.inspection.models import Inspection, InspectionState
from traceability.inspection.selectors import with_class
from traceability.lib.moments import check_plausible


class YesNoFilter(django_filters.TypedChoiceFilter):  # type: ignore[misc]
    """`true` or `false`; anything else is refused, not passed over."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        choices = [(word, word) for word in ("true", "false")]
        kwargs |= {"choices": choices, "coerce": lambda word: word == "true"}
        super().__init__(*args, **kwargs)


class BaseInspectionFilter(django_filters.FilterSet):  # type: ignore[misc]
    """All of them are in the query string; each inspection is found once.

    A filter of defect classes says `method="filter_class"`.
    """

    class Meta:
        model = Inspection
        fields: list[str] = []

    def filter_class(
        self, found: QuerySet[Inspection], name: str, value: DefectClass | str
    ) -> QuerySet[Inspection]:
        """Inspections that show the class, or the class of this code."""
        return with_class(found, value if isinstance(value, str) else value.code)


class InspectionFilter(BaseInspectionFilter):
    """The API's filters: everything is named by the codes of the MES."""

    line = django_filters.CharFilter("image__station__line__code", label=_("Line"))
    station = django_filters.CharFilter("image__station__code", label=_("Station"))
    product = django_filters.CharFilter(
        "image__unit__product__code", label=_("Product")
    )
    serial = django_filters.CharFilter("image__unit__serial", label=_("Serial"))
    external_id = django_filters.CharFilter("image__external_id")
    trace_id = django_filters.CharFilter()
    state = django_filters.ChoiceFilter(
        choices=InspectionState.choices, label=_("State")
    )
    defective = YesNoFilter(label=_("Defective"))
    defect_class = django_filters.CharFilter(method="filter_class", label=_("Defect"))
    captured_after = django_filters.IsoDateTimeFilter(
        "image__captured_at",
        lookup_expr="gte",
        label=_("From"),
        validators=[check_plausible],
    )
    captured_before = django_filters.IsoDateTimeFilter(
        "image__captured_at",
        lookup_expr="lt",
        label=_("Until"),
        validators=[check_plausible],
    )
