"""Raise, repeat, acknowledge, close and withdraw alerts.

Every change of state is one conditional update: whoever changes the row has won.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from traceability.accounts.models import User
from traceability.alerts.models import Alert, AlertKind, AlertRule, AlertState
from traceability.alerts.selectors import LIVE
from traceability.alerts.telling import Place, explain_silence, notify
from traceability.attribution.models import Problem
from traceability.catalog.models import DefectClass, Site
from traceability.outbox.services import emit

# What a change of an alert rests on.
_KNOWN = ("state", "mailed", "occurrences", "event_at", "last_event_at")
_TRIES = 5


class Contended(Exception):
    """An alert changes faster than it can be brought up to date: try again later."""


@dataclass(frozen=True)
class Sighting:
    """What a rule saw: where, of which class if any, since when and until when."""

    rule: AlertRule
    key: str
    place: Place
    defect_class: DefectClass | None
    event_at: datetime
    last_event_at: datetime
    problem: Problem | None = None
    inspection_id: UUID | None = None
    details: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def raise_alert(seen: Sighting) -> Alert:
    """The live alert of `seen.key`: a new one, or the one there is, repeated."""
    live = Alert.objects.filter(key=seen.key, state__in=LIVE)
    known = live.first()
    if known is not None:
        return repeat(known, seen)
    try:
        with transaction.atomic():
            alert = _create(seen)
    except IntegrityError:  # somebody else saw it at the same moment
        return repeat(live.get(), seen)
    _tell(alert)
    notify(alert, seen.place)
    if not alert.mailed:
        explain_silence(alert, seen.place)
    return alert


def _create(seen: Sighting) -> Alert:
    return Alert.objects.create(
        rule=seen.rule,
        site_id=seen.place.line.site_id,
        key=seen.key,
        line=seen.place.line,
        station=seen.place.station,
        defect_class=seen.defect_class,
        problem=seen.problem,
        inspection_id=seen.inspection_id,
        details=seen.details,
        event_at=seen.event_at,
        last_event_at=seen.last_event_at,
        raised_at=timezone.now(),
    )


def repeat(alert: Alert, seen: Sighting) -> Alert:
    """Bring an alert up to date with what was seen again; no second mail.

    It is counted only when something is new. An alert that was too old to be mailed is
    mailed now if its newest sign no longer is.
    """
    if _bring(alert, seen) and alert.occurrences.bit_count() == 1:
        _tell(alert)  # the 2nd, 4th, 8th time …
    if alert.state == AlertState.OPEN:
        notify(alert, seen.place)
    return alert


def _bring(alert: Alert, seen: Sighting) -> bool:
    """Bring it up to date; False where nothing is new."""
    for _ in range(_TRIES):
        news = _news(seen, alert)
        if not news:
            return False
        known = {name: getattr(alert, name) for name in _KNOWN}
        if Alert.objects.filter(pk=alert.pk, **known).update(**news):
            for name, value in news.items():
                setattr(alert, name, value)
            return True
        alert.refresh_from_db()  # somebody changed it meanwhile
    raise Contended(f"alert {alert.pk} is not for two moments what was read of it")


def _news(seen: Sighting, alert: Alert) -> dict[str, Any]:
    """What becomes of the alert's fields by this; nothing where nothing is new.

    That another analysis found it too is one more occurrence, even if it is an older
    one that comes late. What is found on another line, where the station is by now, is
    not the alert's.
    """
    here = alert.line_id == seen.place.line.pk
    problem = seen.problem if here else None
    news: dict[str, Any] = {
        "event_at": min(alert.event_at, seen.event_at),
        "last_event_at": max(alert.last_event_at, seen.last_event_at),
        "details": seen.details,
        "problem_id": _newer(problem, alert),
    }
    changed = {name: it for name, it in news.items() if it != getattr(alert, name)}
    another = problem is not None and problem.pk != alert.problem_id
    if not (changed or another):
        return {}
    if seen.inspection_id not in (None, alert.inspection_id):
        changed["inspection_id"] = seen.inspection_id
    return {**changed, "occurrences": alert.occurrences + 1}


def _tell(alert: Alert) -> None:
    """Let those know who publish it, in the order of the alert's place."""
    if settings.MQTT is None:
        return
    place = f"station:{alert.station_id}" if alert.station_id else None
    emit("alert.changed", place or f"line:{alert.line_id}", {"alert": str(alert.pk)})


def _newer(problem: Problem | None, alert: Alert) -> UUID | None:
    """The id of it or of the alert's, whichever the later analysis found: the events of
    two runs may come in any order.
    """
    if problem is None or alert.problem_id == problem.pk:
        return alert.problem_id
    if alert.problem is None:
        return problem.pk
    return max(problem, alert.problem, key=lambda one: one.run.finished_at).pk


def acknowledge(alert: Alert, user: User) -> bool:
    """Note that `user` takes care of an open alert; False if it is not open."""
    return _move(
        alert,
        [AlertState.OPEN],
        state=AlertState.ACKNOWLEDGED,
        acknowledged_by=user,
        acknowledged_at=timezone.now(),
    )


def close(alert: Alert, user: User) -> bool:
    """End a live alert; False if somebody did already.

    The excursion or run that it told of does not raise another one.
    """
    return _move(
        alert,
        LIVE,
        state=AlertState.CLOSED,
        closed_by=user,
        closed_at=timezone.now(),
    )


def end(alert: Alert) -> bool:
    """Close a live alert whose cause is over by itself; False if it is not live."""
    return _move(alert, LIVE, state=AlertState.CLOSED, closed_at=timezone.now())


def withdraw(alert: Alert) -> bool:
    """Take back an open alert that a late photo proved wrong; False if not open."""
    return _move(
        alert, [AlertState.OPEN], state=AlertState.WITHDRAWN, closed_at=timezone.now()
    )


@transaction.atomic
def shorten(alert: Alert, seen: Sighting) -> None:
    """Let an alert tell of a part of its run: a good unit lies in the rest."""
    Alert.objects.filter(pk=alert.pk).update(
        event_at=seen.event_at,
        last_event_at=seen.last_event_at,
        inspection_id=seen.inspection_id,
        details=seen.details,
    )
    _tell(alert)


@transaction.atomic
def _move(alert: Alert, before: Any, **changes: Any) -> bool:
    moved = Alert.objects.filter(pk=alert.pk, state__in=before).update(**changes)
    alert.refresh_from_db()
    if moved:
        _tell(alert)
    return bool(moved)


def create_default_rules(site: Site) -> list[AlertRule]:
    """Give a site one rule of each kind for all its lines, unless it has one."""
    return [
        AlertRule.objects.get_or_create(
            site=site, kind=kind, line=None, station=None, defect_class=None
        )[0]
        for kind in AlertKind.values
    ]
