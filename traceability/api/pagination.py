"""Pages that stay fast on millions of rows."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination


class ReceivedOrder(CursorPagination):
    """Newest first, by keyset; `page_size` up to 1,000."""

    ordering = "-created_at"
    page_size_query_param = "page_size"
    max_page_size = 1000

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError) as error:
            # A cursor is ours to make; DRF lets one through that holds no time.
            raise NotFound("The cursor is not valid.") from error
