"""Pages of a long list by keyset: the tenth thousand costs what the first one does."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from traceability.inspection.models import Inspection
from traceability.lib.moments import YEARS

Row = TypeVar("Row", bound=Model)
CURSORS = ("after", "before")


@dataclass(frozen=True)
class Position:
    """A place in the order of `captured_at`, then id; as text `<ISO time>~<id>`."""

    captured_at: datetime
    pk: uuid.UUID

    @classmethod
    def of(cls, inspection: Inspection) -> Position:
        return cls(inspection.image.captured_at, inspection.pk)

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """The position, or None for what nobody but a meddler would send."""
        at, _, pk = text.partition("~")
        try:
            moment, key = parse_datetime(at), uuid.UUID(pk)
        except ValueError:
            return None
        if moment is None or moment.tzinfo is None or moment.year not in YEARS:
            return None
        return cls(moment, key)

    def __str__(self) -> str:
        return f"{self.captured_at.isoformat()}~{self.pk}"


@dataclass(frozen=True)
class Page:
    """One page, newest first, and the query strings of its neighbours or None."""

    rows: list[Inspection]
    newer: str | None
    older: str | None


def page_of(found: QuerySet[Inspection], query: QueryDict, size: int) -> Page:
    """The page that `?after=` (older than) or `?before=` (newer than) names."""
    after = Position.parse(query.get("after", ""))
    before = Position.parse(query.get("before", ""))
    if before is not None:
        rows = list(newer_than(found, before)[: size + 1])
        more, rows = len(rows) > size, rows[:size][::-1]
        return _page(rows, query, newer=more, older=True)
    if after is not None:
        found = older_than(found, after)
    rows = list(newest_first(found)[: size + 1])
    return _page(rows[:size], query, newer=after is not None, older=len(rows) > size)


def newest_first(found: QuerySet[Inspection]) -> QuerySet[Inspection]:
    return found.order_by("-image__captured_at", "-pk")


def older_than(found: QuerySet[Inspection], place: Position) -> QuerySet[Inspection]:
    """What comes after `place` in the list, nearest first."""
    same = Q(image__captured_at=place.captured_at, pk__lt=place.pk)
    return newest_first(
        found.filter(image__captured_at__lte=place.captured_at).filter(
            Q(image__captured_at__lt=place.captured_at) | same
        )
    )


def newer_than(found: QuerySet[Inspection], place: Position) -> QuerySet[Inspection]:
    """What comes before `place` in the list, nearest first."""
    same = Q(image__captured_at=place.captured_at, pk__gt=place.pk)
    return (
        found.filter(image__captured_at__gte=place.captured_at)
        .filter(Q(image__captured_at__gt=place.captured_at) | same)
        .order_by("image__captured_at", "pk")
    )


def earlier(found: QuerySet[Row], field: str, text: str) -> QuerySet[Row]:
    """Rows whose time `field` is before an ISO time; all for what is none."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    known = moment is not None and moment.tzinfo and moment.year in YEARS
    return found.filter(**{f"{field}__lt": moment}) if known else found


def without_cursor(query: QueryDict) -> QueryDict:
    """The filter alone: what a link to an inspection carries along."""
    kept = query.copy()
    for name in CURSORS:
        kept.pop(name, None)
    for name in [name for name, value in kept.items() if not value]:
        del kept[name]
    return kept


def _page(
    rows: list[Inspection], query: QueryDict, *, newer: bool, older: bool
) -> Page:
    if not rows:
        return Page([], None, None)
    return Page(
        rows,
        _link(query, "before", rows[0]) if newer else None,
        _link(query, "after", rows[-1]) if older else None,
    )


def _link(query: QueryDict, cursor: str, row: Inspection) -> str:
    link = without_cursor(query)
    link[cursor] = str(Position.of(row))
    return link.urlencode()
