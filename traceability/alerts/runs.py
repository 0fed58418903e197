"""Consecutive defects, in the order in which the photos were taken. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, takewhile
from uuid import UUID


@dataclass(frozen=True)
class Photo:
    """A photo at a station. `classes` is None while nobody has looked at it yet."""

    image: UUID
    inspection: UUID
    unit: int
    serial: str
    captured_at: datetime
    received_at: datetime
    classes: frozenset[int] | None


@dataclass(frozen=True)
class Look:
    """The photos of one unit, taken one after the other, judged for one class.

    `seen` is None while photos are waiting that could still show the defect.
    """

    photos: tuple[Photo, ...]
    seen: bool | None


@dataclass(frozen=True)
class Span:
    """From the first photo of a run to its last."""

    since: datetime
    until: datetime

    def has(self, photo: Photo) -> bool:
        return self.since <= photo.captured_at <= self.until

    def joined(self, other: Span) -> Span:
        """From where the first of the two begins to where the last ends."""
        return Span(min(self.since, other.since), max(self.until, other.until))


Row = Sequence[Look]


def place_of(photo: Photo) -> tuple[datetime, datetime, UUID]:
    """Sorts photos by the camera's clock, then by arrival."""
    return photo.captured_at, photo.received_at, photo.image


def looks(photos: Iterable[Photo], defect_class: int) -> list[Look]:
    """One look per unit in a row, in order; photos may come in any order."""
    ordered = sorted(photos, key=place_of)
    return [
        _look(tuple(group), defect_class)
        for _unit, group in groupby(ordered, key=lambda photo: photo.unit)
    ]


def _look(photos: tuple[Photo, ...], defect_class: int) -> Look:
    if any(defect_class in (photo.classes or ()) for photo in photos):
        return Look(photos, seen=True)
    waiting = any(photo.classes is None for photo in photos)
    return Look(photos, seen=None if waiting else False)


def run_through(row: Row, pivot: Photo, at_least: int) -> Span | None:
    """The unbroken run of defective units at `pivot`, if it is at least that long.

    A pivot that is not in the row (its inspection failed) joins what lies around it.
    """
    index = _index(row, pivot)
    before = list(takewhile(_seen, reversed(row[:index])))[::-1]
    after = list(takewhile(_seen, row[index:]))
    run = before + after if after else []
    return _span(run) if len(run) >= at_least else None


def parts(row: Row, pivot: Photo, whole: Span, at_least: int) -> list[Span]:
    """What is left of a run when `pivot` is a good unit in it: of the two sides, those
    with enough units stay runs.
    """
    index = _index(row, pivot)
    before = list(takewhile(_seen, reversed(row[:index])))[::-1]
    after = list(takewhile(_seen, row[index + 1 :]))
    left = []
    if len(before) >= at_least:
        left.append(Span(whole.since, _span(before).until))
    if len(after) >= at_least:
        left.append(Span(_span(after).since, whole.until))
    return left


def is_good(row: Row, pivot: Photo) -> bool:
    """Whether its unit was looked at and is without the defect: a waiting photo says
    nothing yet.
    """
    index = _index(row, pivot)
    here = row[index : index + 1]
    shown = [photo.image for look in here for photo in look.photos]
    return pivot.image in shown and here[0].seen is False


def _index(row: Row, pivot: Photo) -> int:
    """The place in the row of the look with `pivot`, or where it would be."""
    return sum(place_of(look.photos[-1]) < place_of(pivot) for look in row)


def _span(group: Row) -> Span:
    return Span(group[0].photos[0].captured_at, group[-1].photos[-1].captured_at)


def _seen(look: Look) -> bool:
    return bool(look.seen)
