"""The photos near one, as the rules for consecutive defects see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery

from traceability.alerts.runs import Photo, Span, place_of
from traceability.inspection.models import (
    Defect,
    Inspection,
    InspectionRole,
    InspectionState,
    Verdict,
)

# How many photos on each side are looked at for each unit that a rule asks for: room
# for several photos of a unit, and for telling that two ends belong to one long run.
PHOTOS_PER_UNIT = 10
# No more is read of a photo, and no model instance made of it: on a line in trouble
# every one is judged with all its neighbours.
_READ = (
    *("image_id", "pk", "image__unit_id", "image__unit__serial"),
    *("image__captured_at", "image__received_at", "state", "verdict"),
)


@dataclass(frozen=True)
class Near:
    """A photo, and all near it that were or will be looked at, in the order in which
    they were taken; between the first and the last of them there is no other, but for
    some of the very moment of either.
    """

    pivot: Photo
    photos: Sequence[Photo]

    @cached_property
    def whole(self) -> Span:
        times = [photo.captured_at for photo in (self.pivot, *self.photos)]
        return Span(min(times), max(times))

    @cached_property
    def classes(self) -> set[int]:
        return set[int]().union(*(photo.classes or () for photo in self.photos))

    def newest(self, span: Span) -> Iterator[Photo] | None:
        """The photos of a run, the newest first, as far back as they are near; None if
        it has newer ones than that.
        """
        if span.until > self.whole.until:
            return None
        return (photo for photo in reversed(self.photos) if span.has(photo))

    def last_serials(self, span: Span, most: int) -> list[str] | None:
        """Of the newest units of a run, the oldest first; None if not all are near."""
        newest = self.newest(span)
        if newest is None:
            return None
        last = list(islice(dict.fromkeys(photo.serial for photo in newest), most))
        enough = len(last) == most or span.since >= self.whole.since
        return last[::-1] if enough else None


def photos_near(inspection: Inspection, units: int) -> Near:
    """Those that a rule needs which asks for so many units in a row. Three queries."""
    image, limit = inspection.image, units * PHOTOS_PER_UNIT
    found = looked_at(image.station_id).values_list(*_READ)
    before = found.filter(image__captured_at__lte=image.captured_at)
    after = found.filter(image__captured_at__gt=image.captured_at)
    newest_first = ("-image__captured_at", "-image__received_at", "-image_id")
    rows = [*before.order_by(*newest_first)[:limit]]
    rows += after.order_by("image__captured_at", "image__received_at")[:limit]
    seen = _classes_of(row[1] for row in rows)
    photos = [_photo(row, seen) for row in rows]
    return Near(_pivot(inspection), sorted(photos, key=place_of))


def looked_at(station_id: int) -> QuerySet[Inspection]:
    """The inspections that count at a station; one that failed tells nothing."""
    newest = Verdict.objects.filter(inspection=OuterRef("pk")).order_by("-created_at")
    return (
        Inspection.objects.filter(image__station=station_id, role=InspectionRole.LIVE)
        .exclude(state=InspectionState.FAILED)
        .annotate(verdict=Subquery(newest.values("value")[:1]))
    )


def with_defect(looks: QuerySet[Inspection], defect_class: int) -> QuerySet[Inspection]:
    """Of `looked_at`, those with such a defect that nobody called a false alarm."""
    believed = Q(verdict=None) | ~Q(verdict=Verdict.Value.FALSE_ALARM)
    return looks.filter(believed, defects__defect_class=defect_class)


def _classes_of(inspections: Iterable[UUID]) -> defaultdict[UUID, set[int]]:
    seen = defaultdict[UUID, set[int]](set)
    boxes = Defect.objects.filter(inspection__in=list(inspections))
    for inspection, defect_class in boxes.values_list("inspection", "defect_class"):
        seen[inspection].add(defect_class)
    return seen


def _photo(row: Sequence[Any], seen: defaultdict[UUID, set[int]]) -> Photo:
    image, inspection, unit, serial, captured_at, received_at, state, verdict = row
    classes: frozenset[int] | None = frozenset(seen[inspection])
    if state == InspectionState.PENDING:
        classes = None
    elif verdict == Verdict.Value.FALSE_ALARM:
        classes = frozenset()
    return Photo(image, inspection, unit, serial, captured_at, received_at, classes)


def _pivot(inspection: Inspection) -> Photo:
    image = inspection.image
    return Photo(
        image=image.pk,
        inspection=inspection.pk,
        unit=image.unit_id,
        serial=image.unit.serial,
        captured_at=image.captured_at,
        received_at=image.received_at,
        classes=None,
    )
