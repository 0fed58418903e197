"""The outbox does not grow for ever: what is done goes after some days."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.utils import timezone

from traceability.outbox.models import (
    Delivery,
    DeliveryState,
    Event,
    Publication,
    Retain,
)

logger = logging.getLogger(__name__)

CHUNK = 500
# What could not be handed over is looked into by somebody, some day.
FAILED_TIMES = 4


def sweep() -> int:
    """Delete what is done and old; returns how many rows."""
    return _sweep_events() + _sweep_deliveries() + _sweep_publications()


def _sweep_events() -> int:
    """Events that all consumers have had; those that were set aside stay for longer."""
    old, failed = _limits()
    rows = _oldest(Event, old, ["pk", "created_at", "dispatched_at", "error"])
    return _delete(
        Event,
        (
            row["pk"]
            for row in rows
            if row["dispatched_at"] and (not row["error"] or row["created_at"] < failed)
        ),
    )


def _sweep_deliveries() -> int:
    old, failed = _limits()
    rows = _oldest(Delivery, old, ["pk", "created_at", "state"])
    return _delete(
        Delivery,
        (
            row["pk"]
            for row in rows
            if row["state"] == DeliveryState.SENT
            or (row["state"] == DeliveryState.FAILED and row["created_at"] < failed)
        ),
    )


def _sweep_publications() -> int:
    """Results that no broker took for days; their consumers see that numbers are gone.

    What a broker retains is never dropped: it would go on telling what is over.
    """
    old = timezone.now() - timedelta(days=settings.MQTT_DAYS)
    rows = _oldest(Publication, old, ["pk", "created_at", "retain"])
    given_up = _delete(
        Publication, (row["pk"] for row in rows if row["retain"] == Retain.NOTHING)
    )
    if given_up:
        logger.error(
            "%s results waited for an MQTT broker for more than %s days and are given "
            "up; they can be read over REST",
            given_up,
            settings.MQTT_DAYS,
        )
    return given_up


def _limits() -> tuple[datetime, datetime]:
    days = timedelta(days=settings.OUTBOX_DAYS)
    return timezone.now() - days, timezone.now() - FAILED_TIMES * days


def _oldest(
    model: type[Event] | type[Delivery] | type[Publication],
    until: datetime,
    columns: list[str],
) -> Iterator[dict[str, Any]]:
    """Rows by age up to a time, in bites; ids grow with time, so no other index."""
    last = 0
    while True:
        found = model._default_manager.filter(pk__gt=last).order_by("pk")
        bite = list(found.values(*columns)[:CHUNK])
        yield from (row for row in bite if row["created_at"] < until)
        if not bite or bite[-1]["created_at"] >= until:
            return
        last = bite[-1]["pk"]


def _delete(
    model: type[Event] | type[Delivery] | type[Publication], keys: Iterable[object]
) -> int:
    """Delete rows in short transactions, so that nobody waits for the sweep."""
    deleted, left = 0, iter(keys)
    while bite := list(islice(left, CHUNK)):
        deleted += model._default_manager.filter(pk__in=bite).delete()[0]
    return deleted
