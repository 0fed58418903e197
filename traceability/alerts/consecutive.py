"""N defective units in a row at a station.

The order is that in which the photos were taken, not that in which they arrived: every
inspection, however late, is judged together with its neighbours on both sides. It can
make a run, lengthen one, join two, or break one that had already been told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from traceability.alerts import runs, services
from traceability.alerts.models import AlertKind, AlertRule, AlertState
from traceability.alerts.runs import Look, Photo, Row
from traceability.alerts.selectors import (
    LIVE,
    alerts_of_runs,
    newest_problem,
    rule_for,
    rules_at,
)
from traceability.alerts.services import Sighting
from traceability.catalog.models import DefectClass, Station
from traceability.inspection.models import (
    Defect,
    Image,
    Inspection,
    InspectionRole,
    InspectionState,
    Verdict,
)

# A unit may be photographed this often in a row; beyond that the window gets shorter.
PHOTOS_PER_UNIT = 10
SERIALS_SHOWN = 12


def judge(inspection: Inspection) -> None:
    """Apply the rules for consecutive defects to a finished or failed inspection."""
    image = inspection.image
    # One judge per station at a time; uploads, which only refer to it, do not wait.
    stations = Station.objects.select_for_update(no_key=True, of=("self",))
    station = stations.select_related("line__site").get(pk=image.station_id)
    rules = rules_at(AlertKind.CONSECUTIVE, station.line, station)
    if not rules:
        return
    pivot, photos = _neighbourhood(image, max(rule.consecutive for rule in rules))
    classes = set[int]().union(*(photo.classes or () for photo in photos))
    for defect_class in DefectClass.objects.filter(pk__in=classes):
        rule = rule_for(rules, defect_class.pk)
        if rule is not None:
            row = runs.looks(photos, defect_class.pk)
            for run in runs.stretches(row, pivot, rule.consecutive):
                _tell(rule, station, defect_class, run)
            _break(rule, station, defect_class, pivot, row)


def _tell(
    rule: AlertRule, station: Station, defect_class: DefectClass, run: list[Look]
) -> None:
    """Raise an alert for the run, or repeat the one that already tells of it."""
    since, until = run[0].photos[0].captured_at, run[-1].photos[-1].captured_at
    shown: UUID | None = run[-1].showing.inspection
    known = (
        alerts_of_runs(rule, station, defect_class)
        .exclude(state=AlertState.WITHDRAWN)
        .filter(event_at__lte=until, last_event_at__gte=since)
        .first()
    )
    if known is not None:
        if until < known.last_event_at:
            shown = known.inspection_id
        since, until = min(since, known.event_at), max(until, known.last_event_at)
    first = run[0].photos[0].image
    seen = Sighting(
        rule=rule,
        key=f"consecutive:{rule.pk}:{station.pk}:{defect_class.pk}:{first}",
        line=station.line,
        station=station,
        defect_class=defect_class,
        event_at=since,
        last_event_at=until,
        problem=newest_problem(station.line, defect_class),
        inspection=Inspection.objects.filter(pk=shown).first() if shown else None,
        details=_details(station, since, until, run),
    )
    if known is None:
        services.raise_alert(seen)
    else:
        services.repeat(known, seen)


def _details(
    station: Station, since: datetime, until: datetime, run: Iterable[Look]
) -> dict[str, Any]:
    between = _looked_at(station).filter(image__captured_at__range=(since, until))
    return {
        "consecutive": between.values("image__unit").distinct().count(),
        "serials": [look.showing.serial for look in run][-SERIALS_SHOWN:],
    }


def _break(
    rule: AlertRule, station: Station, defect_class: DefectClass, pivot: Photo, row: Row
) -> None:
    """Withdraw the alert that a good unit shows never to have had a run behind it.

    Where enough units are left on one side, the alert tells of that side from now on.
    """
    sides = runs.split_by(row, pivot)
    if sides is None:
        return
    before, after = sides
    told = alerts_of_runs(rule, station, defect_class).filter(state__in=LIVE)
    at = pivot.captured_at
    for alert in told.filter(event_at__lte=at, last_event_at__gte=at):
        if len(before) >= rule.consecutive:
            services.shorten(alert, alert.event_at, before[-1].photos[-1].captured_at)
        elif len(after) >= rule.consecutive:
            services.shorten(alert, after[0].photos[0].captured_at, alert.last_event_at)
        else:
            services.withdraw(alert)


def _neighbourhood(image: Image, units: int) -> tuple[Photo, list[Photo]]:
    """The photo itself, and all photos near it that were or will be looked at."""
    limit = units * PHOTOS_PER_UNIT
    newest_first = ("-image__captured_at", "-image__received_at", "-image_id")
    found = _looked_at(image.station).select_related("image__unit")
    before = found.filter(image__captured_at__lte=image.captured_at)
    after = found.filter(image__captured_at__gt=image.captured_at)
    near = [*before.order_by(*newest_first)[:limit]]
    near += after.order_by("image__captured_at", "image__received_at")[:limit]
    seen = defaultdict[UUID, set[int]](set)
    for inspection, defect_class in Defect.objects.filter(
        inspection__in=near
    ).values_list("inspection", "defect_class"):
        seen[inspection].add(defect_class)
    photos = [_photo(look, look.image, seen[look.pk]) for look in near]
    return _photo(Inspection(), image, set()), photos


def _looked_at(station: Station) -> QuerySet[Inspection]:
    """The inspections that count at a station; one that failed tells nothing."""
    newest = Verdict.objects.filter(inspection=OuterRef("pk")).order_by("-created_at")
    return (
        Inspection.objects.filter(image__station=station, role=InspectionRole.LIVE)
        .exclude(state=InspectionState.FAILED)
        .annotate(verdict=Subquery(newest.values("value")[:1]))
    )


def _photo(look: Inspection, image: Image, seen: set[int]) -> Photo:
    classes: frozenset[int] | None = frozenset(seen)
    if look.state == InspectionState.PENDING:
        classes = None
    elif getattr(look, "verdict", None) == Verdict.Value.FALSE_ALARM:
        classes = frozenset()
    return Photo(
        image=image.pk,
        inspection=look.pk,
        unit=image.unit_id,
        serial=image.unit.serial,
        captured_at=image.captured_at,
        received_at=image.received_at,
        classes=classes,
    )
