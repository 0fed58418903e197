"""N defective units in a row at a station.

The order is that in which the photos were taken, not that in which they arrived: every
inspection, however late, is judged together with its neighbours on both sides. It can
make a run, lengthen one, join two, or break one that had already been told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from traceability.alerts import runs, services
from traceability.alerts.models import Alert, AlertKind, AlertRule
from traceability.alerts.near import (
    PHOTOS_PER_UNIT,
    Near,
    looked_at,
    photos_near,
    with_defect,
)
from traceability.alerts.runs import Photo, Row, Span
from traceability.alerts.selectors import (
    LIVE,
    alerts_of_runs,
    newest_problems,
    rule_for,
    rules_at,
)
from traceability.alerts.services import Sighting
from traceability.alerts.telling import Place
from traceability.attribution.models import Problem
from traceability.catalog.models import DefectClass, Station
from traceability.inspection.models import Inspection

SERIALS_SHOWN = 12
PHOTOS_COUNTED = 1000
"""Of the newest of a run: on a line that is in trouble each photo asks how many units
there are by now, and a run may go on for a shift.
"""


class Judgement:
    """A photo among its neighbours, and what all classes that are judged there ask,
    asked once.
    """

    def __init__(self, station: Station, rules: Sequence[AlertRule], near: Near):
        self.place = Place(station.line, station)
        self.station, self.near = station, near
        self._rules = rules
        self._counts = dict[Span, dict[str, Any]]()

    @cached_property
    def problems(self) -> dict[int, Problem]:
        """The newest of each class."""
        return newest_problems(self.station.line)

    @cached_property
    def alerts(self) -> list[Alert]:
        """Of all runs that reach the photos near here, the oldest first."""
        return list(alerts_of_runs(self._rules, self.station, self.near.whole))

    def within(self, span: Span) -> QuerySet[Inspection]:
        between = (span.since, span.until)
        return looked_at(self.station.pk).filter(image__captured_at__range=between)

    def details(self, span: Span) -> dict[str, Any]:
        """How many units a run has, and the serial numbers of the last ones."""
        last = self.near.last_serials(span, SERIALS_SHOWN)
        serials = self._last_serials(span) if last is None else last
        return {**self._count(span), "serials": serials}

    def _count(self, span: Span) -> dict[str, Any]:
        """Its units; perhaps `more`, where it has as many photos as are counted."""
        if span not in self._counts:
            newest = self.within(span).order_by("-image__captured_at")
            found = newest.values("image__unit")[:PHOTOS_COUNTED].aggregate(
                units=Count("image__unit", distinct=True), photos=Count("image__unit")
            )
            more = {"more": True} if found["photos"] == PHOTOS_COUNTED else {}
            self._counts[span] = {"consecutive": found["units"], **more}
        return self._counts[span]

    def _last_serials(self, span: Span) -> list[str]:
        newest = self.within(span).order_by("-image__captured_at")
        serials = newest.values_list("image__unit__serial", flat=True)
        last = list(dict.fromkeys(serials[: SERIALS_SHOWN * PHOTOS_PER_UNIT]))
        return last[:SERIALS_SHOWN][::-1]

    def showing(self, span: Span, defect_class: int) -> UUID | None:
        """The inspection of its newest photo with such a defect."""
        for photo in self.near.newest(span) or ():
            if defect_class in (photo.classes or ()):
                return photo.inspection
        found = with_defect(self.within(span), defect_class)
        newest = found.order_by("-image__captured_at")
        return newest.values_list("pk", flat=True).first()


@dataclass(frozen=True)
class View:
    """What a rule sees of a judgement for one class; `span` is the run that the photo
    is part of, if that is long enough.
    """

    judgement: Judgement
    rule: AlertRule
    defect_class: DefectClass
    row: Row
    span: Span | None

    @property
    def pivot(self) -> Photo:
        return self.judgement.near.pivot

    @property
    def alerts(self) -> Iterator[Alert]:
        """Those that there are of it, the oldest first."""
        mine = (self.rule.pk, self.defect_class.pk)
        for alert in self.judgement.alerts:
            if (alert.rule_id, alert.defect_class_id) == mine:
                yield alert


def matters(inspection: Inspection) -> bool:
    """Whether `judge` would change anything; only reads. What another photo changes
    meanwhile is found when that one is judged, which sees this one.
    """
    stations = Station.objects.select_related("line__site")
    station = stations.get(pk=inspection.image.station_id)
    return any(
        view.span is not None or _over(view) for view in _views(station, inspection)
    )


def judge(inspection: Inspection) -> None:
    """Apply the rules for consecutive defects to a finished or failed inspection.

    A good one can only break a run that was told: see `selectors.runs_told_at`.
    """
    # One judge per station at a time; uploads, which only refer to it, do not wait.
    stations = Station.objects.select_for_update(no_key=True, of=("self",))
    found = stations.select_related("line__site")
    for view in _views(found.get(pk=inspection.image.station_id), inspection):
        if view.span is not None:
            _tell(view, view.span)
        _break(view)


def _views(station: Station, inspection: Inspection) -> Iterator[View]:
    """A class after the other, of those seen on the photos near this one."""
    rules = rules_at(AlertKind.CONSECUTIVE, station.line, station)
    if not rules:
        return
    near = photos_near(inspection, max(rule.consecutive for rule in rules))
    judgement = Judgement(station, rules, near)
    for defect_class in DefectClass.objects.filter(pk__in=near.classes):
        rule = rule_for(rules, defect_class.pk)
        if rule is not None:
            row = runs.looks(near.photos, defect_class.pk)
            span = runs.run_through(row, near.pivot, rule.consecutive)
            yield View(judgement, rule, defect_class, row, span)


def _tell(view: View, span: Span) -> None:
    """Raise an alert for the run, or repeat the one that already tells of it."""
    for known in view.alerts:
        told = Span(known.event_at, known.last_event_at)
        if told.since <= span.until and told.until >= span.since:
            services.repeat(known, _sighting(view, told.joined(span)))
            return
    services.raise_alert(_sighting(view, span))


def _over(view: View) -> list[Alert]:
    """Alerts of a run that a good unit in its midst shows not to have been one."""
    if not runs.is_good(view.row, view.pivot):
        return []
    return [
        alert
        for alert in view.alerts
        if alert.state in LIVE
        and Span(alert.event_at, alert.last_event_at).has(view.pivot)
    ]


def _break(view: View) -> None:
    """Withdraw the alert that a good unit shows never to have had a run behind it.

    Where enough units are left on one side, the alert tells of that side from now on;
    where they are on both, the later one is a run of its own.
    """
    for alert in _over(view):
        whole = Span(alert.event_at, alert.last_event_at)
        left = runs.parts(view.row, view.pivot, whole, view.rule.consecutive)
        if not left:
            services.withdraw(alert)
            continue
        services.shorten(alert, _sighting(view, left[0]))
        for span in left[1:]:
            services.raise_alert(_sighting(view, span))


def _sighting(view: View, span: Span) -> Sighting:
    judgement, found = view.judgement, view.defect_class
    about = (view.rule.pk, judgement.station.pk, found.pk, span.since)
    return Sighting(
        rule=view.rule,
        key="consecutive:" + ":".join(map(str, about)),
        place=judgement.place,
        defect_class=found,
        event_at=span.since,
        last_event_at=span.until,
        problem=judgement.problems.get(found.pk),
        inspection_id=judgement.showing(span, found.pk),
        details=judgement.details(span),
    )
