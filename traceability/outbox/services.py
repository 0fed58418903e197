"""Write events and deliveries; how events reach consumers is in `dispatching.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from traceability.outbox import wake
from traceability.outbox.dispatching import dispatch
from traceability.outbox.models import Delivery, Event

__all__ = ["dispatch", "emit", "emit_all", "send_later"]


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
