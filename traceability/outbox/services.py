"""Write events, hand them to their consumers, write deliveries.

Every claim is one conditional update: whoever changes the row has won.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from traceability.lib.trace import tracing
from traceability.outbox import wake
from traceability.outbox.models import Delivery, Event

logger = logging.getLogger(__name__)

Consumer = Callable[[Event], None]
MAX_ATTEMPTS = 5
# Longer than any consumer takes: after it a dead dispatcher's event is taken again.
LEASE = timedelta(seconds=30)


def emit(kind: str, key: str = "", payload: Mapping[str, Any] | None = None) -> Event:
    """Write an event in the caller's transaction."""
    return emit_all([(kind, key, dict(payload or {}))])[0]


def emit_all(events: Iterable[tuple[str, str, dict[str, Any]]]) -> list[Event]:
    """Write events `(kind, key, payload)` in order, in the caller's transaction."""
    now = timezone.now()
    written = Event.objects.bulk_create(
        Event(kind=kind, key=key, payload=payload, created_at=now, not_before=now)
        for kind, key, payload in events
    )
    if written:
        wake.on_commit("outbox.dispatch", quiet=wake.QUIET_SECONDS)
    return written


def consumers() -> dict[str, Consumer]:
    """The functions named by `OUTBOX_CONSUMERS`, each taking one event."""
    return {path: import_string(path) for path in settings.OUTBOX_CONSUMERS}


def dispatch(limit: int = 50) -> int:
    """Hand up to `limit` waiting events to the consumers; returns how many were handed.

    Oldest first; an event waits for the older ones of its key, so any number of
    dispatchers keeps the order of a station. What a consumer writes commits together
    with the note that it has handled the event: it sees every event exactly once,
    unless it fails, which is undone, tried again with growing pauses and given up
    after `MAX_ATTEMPTS`, so that one bad event cannot hold up the rest.
    """
    handlers = consumers()
    handed = 0
    while handed < limit and (event := _claim()) is not None:
        _hand_over(event, handlers)
        handed += 1
    return handed


def _claim() -> Event | None:
    """Take the next event, its attempt counted before the work: it may kill us."""
    while (event := _next()) is not None:
        taken = _ours(event).update(
            attempts=F("attempts") + 1, not_before=timezone.now() + LEASE
        )
        if taken:
            event.refresh_from_db()
            return event
    return None


def _next() -> Event | None:
    """The oldest event that is due and has no older one of its key before it."""
    waiting = Event.objects.filter(dispatched_at=None)
    before = waiting.filter(key=OuterRef("key"), id__lt=OuterRef("id")).exclude(key="")
    due = waiting.filter(not_before__lte=timezone.now())
    return due.exclude(Exists(before)).order_by("id").first()


def _ours(event: Event) -> QuerySet[Event]:
    """The event's row while it is as we know it: each attempt has one owner."""
    return Event.objects.filter(
        pk=event.pk, attempts=event.attempts, dispatched_at=None
    )


def _hand_over(event: Event, handlers: Mapping[str, Consumer]) -> None:
    """Call every consumer that has not had this event; settle it or put it back."""
    if event.attempts > MAX_ATTEMPTS:
        _settle(event, event.error or "every dispatcher that tried this event died")
        return
    left = [path for path in handlers if path not in event.handled]
    errors = [error for path in left if (error := _call(event, path, handlers[path]))]
    if not errors or event.attempts == MAX_ATTEMPTS:
        _settle(event, "; ".join(errors))
    else:
        pause = timedelta(seconds=2 ** (event.attempts - 1))
        _ours(event).update(not_before=timezone.now() + pause, error="; ".join(errors))


def _call(event: Event, path: str, consumer: Consumer) -> str:
    """Let one consumer handle the event; returns what went wrong, if anything.

    The note that it has is written first: it locks the row against whoever takes the
    event over once our lease has run out, and is undone with the consumer's work.
    """
    handled = [*event.handled, path]
    try:
        with tracing(event.payload.get("trace_id", "")), transaction.atomic():
            if not _ours(event).update(handled=handled):
                return ""
            consumer(event)
    except Exception as error:  # a consumer's bug must not stop the line's events
        logger.exception("%s failed on event %s (%s)", path, event.pk, event.kind)
        return f"{path}: {error!r}"
    event.handled = handled
    return ""


def _settle(event: Event, error: str) -> None:
    if error:
        logger.error("event %s is set aside: %s", event.pk, error)
    _ours(event).update(dispatched_at=timezone.now(), error=error)


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
    wake.on_commit("outbox.deliver")
