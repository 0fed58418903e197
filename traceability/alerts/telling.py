"""Who is told of an alert by mail, and when nobody is."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.conf import settings
from django.utils import timezone

from traceability.accounts.models import User
from traceability.accounts.selectors import responsible_users
from traceability.alerts.models import Alert
from traceability.catalog.models import Line, Station
from traceability.outbox.services import send_later

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """A line, or a station of it."""

    line: Line
    station: Station | None = None

    @cached_property
    def addressees(self) -> list[User]:
        """Who gets the mails of its alerts."""
        users = responsible_users(self.line, self.station)
        return list(users.exclude(email="").order_by("pk"))


def notify(alert: Alert, place: Place) -> int:
    """Write one mail to each who is responsible, once ever; returns how many.

    What happened more than `ALERT_MAX_AGE_HOURS` ago wakes nobody. An alert stays with
    those who answer for where it was raised, wherever its station is by now: `place` is
    used for what it has already asked.
    """
    limit = timezone.now() - timedelta(hours=settings.ALERT_MAX_AGE_HOURS)
    if alert.mailed or alert.last_event_at < limit:
        return 0
    told = _raised_at(alert, place).addressees
    unmailed = Alert.objects.filter(pk=alert.pk, mailed=False)
    if not told or not unmailed.update(mailed=True):
        return 0
    alert.mailed = True
    for user in told:
        send_later(
            "email",
            user.email,
            {"render": "alert", "alert": str(alert.pk), "user": user.pk},
            dedup_key=f"alert:{alert.pk}:{user.pk}",
        )
    return len(told)


def _raised_at(alert: Alert, place: Place) -> Place:
    station = place.station.pk if place.station else None
    same = (alert.line_id, alert.station_id) == (place.line.pk, station)
    return place if same else Place(alert.line, alert.station)


def explain_silence(alert: Alert, place: Place) -> None:
    if place.addressees:
        logger.info("alert %s is old news: recorded, not mailed", alert.pk)
        return
    logger.warning(
        "alert %s at %s reaches nobody: make a user with an e-mail address responsible "
        "for the line or the station (Administration, Responsibilities)",
        alert.pk,
        place.station or place.line,
    )
