"""N defective units in a row at a station.

The order is that in which the photos were taken, not that in which they arrived: every
inspection, however late, is judged together with its neighbours on both sides. It can
make a run, lengthen one, join two, or break one that had already been told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from traceability.alerts import runs, services
from traceability.alerts.models import Alert, AlertKind, AlertRule, AlertState
from traceability.alerts.runs import Photo, Row, Span
from traceability.alerts.selectors import (
    LIVE,
    alerts_of_runs,
    newest_problems,
    rule_for,
    rules_at,
)
from traceability.alerts.services import Sighting
from traceability.attribution.models import Problem
from traceability.catalog.models import DefectClass, Station
from traceability.inspection.models import (
    Defect,
    Image,
    Inspection,
    InspectionRole,
    InspectionState,
    Verdict,
)

# How many photos on each side are looked at for each unit that a rule asks for: room
# for several photos of a unit, and for telling that two ends belong to one long run.
PHOTOS_PER_UNIT = 10
SERIALS_SHOWN = 12


class Place:
    """A station, and what all classes of one judgement ask of it, asked once."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self._details: dict[Span, dict[str, Any]] = {}

    @cached_property
    def problems(self) -> dict[int, Problem]:
        """The newest of each class."""
        return newest_problems(self.station.line)

    def within(self, span: Span) -> QuerySet[Inspection]:
        return _looked_at(self.station).filter(
            image__captured_at__range=(span.since, span.until)
        )

    def details(self, span: Span) -> dict[str, Any]:
        if span not in self._details:
            self._details[span] = _details(self.within(span))
        return self._details[span]


@dataclass(frozen=True)
class Watch:
    """A rule applied to one class at one station."""

    rule: AlertRule
    place: Place
    defect_class: DefectClass

    @property
    def station(self) -> Station:
        return self.place.station


@dataclass(frozen=True)
class Look:
    """The photos near one, as a rule sees them; `span` is the run that it is part of,
    if that is long enough.
    """

    watch: Watch
    pivot: Photo
    row: Row
    span: Span | None


def matters(inspection: Inspection) -> bool:
    """Whether `judge` would change anything; only reads. What another photo changes
    meanwhile is found when that one is judged, which sees this one.
    """
    image = inspection.image
    station = Station.objects.select_related("line__site").get(pk=image.station_id)
    return any(
        look.span is not None or _over(look).exists() for look in _looks(station, image)
    )


def judge(inspection: Inspection) -> None:
    """Apply the rules for consecutive defects to a finished or failed inspection.

    A good one can only break a run that was told: see `selectors.runs_told_at`.
    """
    image = inspection.image
    # One judge per station at a time; uploads, which only refer to it, do not wait.
    stations = Station.objects.select_for_update(no_key=True, of=("self",))
    station = stations.select_related("line__site").get(pk=image.station_id)
    for look in _looks(station, image):
        if look.span is not None:
            _tell(look.watch, look.span)
        _break(look)


def _looks(station: Station, image: Image) -> Iterator[Look]:
    """A class after the other, of those seen on the photos near this one."""
    rules = rules_at(AlertKind.CONSECUTIVE, station.line, station)
    if not rules:
        return
    pivot, photos = _neighbourhood(image, max(rule.consecutive for rule in rules))
    place = Place(station)
    classes = set[int]().union(*(photo.classes or () for photo in photos))
    for defect_class in DefectClass.objects.filter(pk__in=classes):
        rule = rule_for(rules, defect_class.pk)
        if rule is not None:
            row = runs.looks(photos, defect_class.pk)
            span = runs.run_through(row, pivot, rule.consecutive)
            yield Look(Watch(rule, place, defect_class), pivot, row, span)


def _tell(watch: Watch, span: Span) -> None:
    """Raise an alert for the run, or repeat the one that already tells of it."""
    known = (
        alerts_of_runs(watch.rule, watch.station, watch.defect_class)
        .exclude(state=AlertState.WITHDRAWN)
        .filter(event_at__lte=span.until, last_event_at__gte=span.since)
        .first()
    )
    if known is None:
        services.raise_alert(_sighting(watch, span))
        return
    since, until = known.event_at, known.last_event_at
    whole = Span(min(since, span.since), max(until, span.until))
    services.repeat(known, _sighting(watch, whole))


def _over(look: Look) -> QuerySet[Alert]:
    """Alerts of a run that a good unit in its midst shows not to have been one."""
    told = alerts_of_runs(look.watch.rule, look.watch.station, look.watch.defect_class)
    if not runs.is_good(look.row, look.pivot):
        return told.none()
    at = look.pivot.captured_at
    return told.filter(state__in=LIVE, event_at__lte=at, last_event_at__gte=at)


def _break(look: Look) -> None:
    """Withdraw the alert that a good unit shows never to have had a run behind it.

    Where enough units are left on one side, the alert tells of that side from now on;
    where they are on both, the later one is a run of its own.
    """
    watch = look.watch
    for alert in _over(look):
        whole = Span(alert.event_at, alert.last_event_at)
        left = runs.parts(look.row, look.pivot, whole, watch.rule.consecutive)
        if left is None:
            continue
        if not left:
            services.withdraw(alert)
            continue
        services.shorten(alert, _sighting(watch, left[0]))
        for span in left[1:]:
            services.raise_alert(_sighting(watch, span))


def _sighting(watch: Watch, span: Span) -> Sighting:
    about = (watch.rule.pk, watch.station.pk, watch.defect_class.pk, span.since)
    showing = watch.place.within(span).filter(defects__defect_class=watch.defect_class)
    return Sighting(
        rule=watch.rule,
        key="consecutive:" + ":".join(map(str, about)),
        line=watch.station.line,
        station=watch.station,
        defect_class=watch.defect_class,
        event_at=span.since,
        last_event_at=span.until,
        problem=watch.place.problems.get(watch.defect_class.pk),
        inspection=showing.order_by("-image__captured_at").first(),
        details=watch.place.details(span),
    )


def _details(within: QuerySet[Inspection]) -> dict[str, Any]:
    """How many units a run has, and the serial numbers of the last ones."""
    newest = within.order_by("-image__captured_at").values_list(
        "image__unit__serial", flat=True
    )
    last = list(dict.fromkeys(newest[: SERIALS_SHOWN * PHOTOS_PER_UNIT]))
    return {
        "consecutive": within.values("image__unit").distinct().count(),
        "serials": last[:SERIALS_SHOWN][::-1],
    }


def _neighbourhood(image: Image, units: int) -> tuple[Photo, list[Photo]]:
    """The photo itself, and all photos near it that were or will be looked at."""
    limit = units * PHOTOS_PER_UNIT
    newest_first = ("-image__captured_at", "-image__received_at", "-image_id")
    found = _looked_at(image.station).select_related("image")
    before = found.filter(image__captured_at__lte=image.captured_at)
    after = found.filter(image__captured_at__gt=image.captured_at)
    near = [*before.order_by(*newest_first)[:limit]]
    near += after.order_by("image__captured_at", "image__received_at")[:limit]
    seen = defaultdict[UUID, set[int]](set)
    for inspection, defect_class in Defect.objects.filter(
        inspection__in=near
    ).values_list("inspection", "defect_class"):
        seen[inspection].add(defect_class)
    photos = [_photo(look.image, _classes(look, seen[look.pk])) for look in near]
    return _photo(image, None), photos


def _looked_at(station: Station) -> QuerySet[Inspection]:
    """The inspections that count at a station; one that failed tells nothing."""
    newest = Verdict.objects.filter(inspection=OuterRef("pk")).order_by("-created_at")
    return (
        Inspection.objects.filter(image__station=station, role=InspectionRole.LIVE)
        .exclude(state=InspectionState.FAILED)
        .annotate(verdict=Subquery(newest.values("value")[:1]))
    )


def _classes(look: Inspection, seen: set[int]) -> frozenset[int] | None:
    if look.state == InspectionState.PENDING:
        return None
    false_alarm = getattr(look, "verdict", None) == Verdict.Value.FALSE_ALARM
    return frozenset() if false_alarm else frozenset(seen)


def _photo(image: Image, classes: frozenset[int] | None) -> Photo:
    return Photo(image.pk, image.unit_id, image.captured_at, image.received_at, classes)
