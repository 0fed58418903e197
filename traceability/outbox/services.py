"""Write events, hand them to their consumers, write deliveries."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from traceability.outbox.models import Delivery, Event

logger = logging.getLogger(__name__)

Consumer = Callable[[Event], None]
MAX_ATTEMPTS = 5


def emit(kind: str, key: str = "", payload: Mapping[str, Any] | None = None) -> Event:
    """Write an event in the caller's transaction."""
    return emit_all([(kind, key, dict(payload or {}))])[0]


def emit_all(events: Iterable[tuple[str, str, dict[str, Any]]]) -> list[Event]:
    """Write events `(kind, key, payload)` in order, in the caller's transaction."""
    now = timezone.now()
    return Event.objects.bulk_create(
        Event(kind=kind, key=key, payload=payload, created_at=now)
        for kind, key, payload in events
    )


def consumers() -> list[Consumer]:
    """The functions named by `OUTBOX_CONSUMERS`; each takes one event, idempotently."""
    return [import_string(path) for path in settings.OUTBOX_CONSUMERS]


def dispatch(limit: int = 50) -> int:
    """Hand waiting events to every consumer, in order; returns how many were handed.

    1. Lock the oldest waiting events (other dispatchers skip them).
    2. Call the consumers, each event in its own savepoint.
    3. Mark it dispatched, or count the failure; after `MAX_ATTEMPTS` it is set aside
       with its error, so that one bad event cannot hold up the rest.
    """
    handlers = consumers()
    with transaction.atomic():
        waiting = Event.objects.filter(dispatched_at__isnull=True).order_by("id")
        if connection.features.has_select_for_update_skip_locked:
            waiting = waiting.select_for_update(skip_locked=True)
        events = list(waiting[:limit])
        for event in events:
            _hand_over(event, handlers)
    return len(events)


def _hand_over(event: Event, handlers: list[Consumer]) -> None:
    try:
        with transaction.atomic():
            for handle in handlers:
                handle(event)
            event.dispatched_at = timezone.now()
            event.save(update_fields=["dispatched_at"])
    except Exception as error:  # a consumer's bug must not stop the line's events
        logger.exception("event %s (%s) failed", event.id, event.kind)
        event.attempts += 1
        event.error = repr(error)
        event.dispatched_at = (
            timezone.now() if event.attempts >= MAX_ATTEMPTS else None
        )
        event.save(update_fields=["attempts", "error", "dispatched_at"])


def send_later(
    transport: str,
    recipient: str,
    message: Mapping[str, Any],
    *,
    dedup_key: str,
    not_before: datetime | None = None,
) -> None:
    """Write a delivery in the caller's transaction; the same key writes none again."""
    now = timezone.now()
    Delivery.objects.bulk_create(
        [
            Delivery(
                transport=transport,
                recipient=recipient,
                message=dict(message),
                dedup_key=dedup_key,
                not_before=not_before or now,
                created_at=now,
            )
        ],
        ignore_conflicts=True,
    )
