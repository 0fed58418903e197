"""Filters that refuse what they do not know: a misspelt one would return everything."""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

PAGING = {"cursor", "page_size"}


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]
    """Answers 422 for unknown names in the query string."""

    def get_filterset(self, request: Request, queryset: Any, view: Any) -> Any:
        filterset = super().get_filterset(request, queryset, view)
        if filterset is not None:
            unknown = set(request.query_params) - set(filterset.filters) - PAGING
            if unknown:
                known = ", ".join(sorted(filterset.filters))
                text = f"Unknown filter; known are {known}."
                raise ValidationError({name: [text] for name in sorted(unknown)})
        return filterset
