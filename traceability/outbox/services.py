"""Write events and deliveries; how events reach consumers is in `dispatching.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from traceability.lib.statements import insertion, run_all
from traceability.outbox import wake
from traceability.outbox.dispatching import dispatch
from traceability.outbox.models import Delivery, Event

__all__ = ["Emission", "dispatch", "emit", "emit_all", "send_later"]

Told = tuple[str, str, dict[str, Any]]
"""An event: kind, key, payload."""


def emit(kind: str, key: str = "", payload: Mapping[str, Any] | None = None) -> Event:
    """Write an event in the caller's transaction."""
    return emit_all([(kind, key, dict(payload or {}))])[0]


def emit_all(events: Iterable[Told]) -> list[Event]:
    """Write events in order, in the caller's transaction."""
    written = Event.objects.bulk_create(_rows(events))
    if written:
        _wake()
    return written


class Emission:
    """Events whose rows are worded before the transaction that they belong to."""

    def __init__(self, events: Iterable[Told]) -> None:
        self._rows = insertion(_rows(events))

    def write(self) -> None:
        """What `emit_all` does, in the caller's transaction."""
        run_all(self._rows)
        if self._rows:
            _wake()


def _rows(events: Iterable[Told]) -> list[Event]:
    now = timezone.now()
    return [
        Event(kind=kind, key=key, payload=payload, created_at=now, not_before=now)
        for kind, key, payload in events
    ]


def _wake() -> None:
    wake.on_commit("outbox.dispatch", quiet=wake.QUIET_SECONDS)


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
