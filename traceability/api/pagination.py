"""Pages that stay fast on millions of rows."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class ReceivedOrder(CursorPagination):
    """Newest first, by keyset; `page_size` up to 1,000."""

    ordering = "-created_at"
    page_size_query_param = "page_size"
    max_page_size = 1000
