"""Take events that wait, in the order of their keys.

Every claim is a conditional update: whoever changes the row has won.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from traceability.lib.statements import update
from traceability.outbox.models import Event

# Longer than a batch takes: after it a dead dispatcher's events are taken again.
LEASE = timedelta(seconds=30)


def claim(most: int) -> list[Event]:
    """Take the next events, their attempts counted before the work: it may kill us.

    One that was taken before is taken alone, so that it alone is blamed.
    """
    while events := _alike(_next(most)):
        if _take(events):
            return events
    return []


def _next(most: int) -> list[Event]:
    """The oldest events that are due; none that waits for one that is not."""
    now = timezone.now()
    waiting = Event.objects.filter(dispatched_at=None)
    resting = waiting.filter(
        key=OuterRef("key"), id__lt=OuterRef("id"), not_before__gt=now
    ).exclude(key="")
    due = waiting.filter(not_before__lte=now).exclude(Exists(resting))
    return list(due.order_by("id")[:most])


def _take(events: Sequence[Event]) -> bool:
    """All of them, or none where another dispatcher, woken with us, took one of them:
    what follows that one must wait, so the caller looks again.
    """
    known, until = events[0].attempts, timezone.now() + LEASE
    free = Event.objects.filter(
        pk__in=[event.pk for event in events],
        dispatched_at=None,
        attempts=known,
        not_before__lte=timezone.now(),
    )
    taking = update(free, attempts=known + 1, not_before=until)
    with transaction.atomic():
        _lock(free)
        if taking.run() < len(events):
            transaction.set_rollback(True)
            return False
    for event in events:
        event.attempts, event.not_before = known + 1, until
    return True


def _lock(events: QuerySet[Event]) -> None:
    """In their order, or two dispatchers may wait for each other's crosswise."""
    if connection.features.has_select_for_update:
        len(events.select_for_update().order_by("id"))


def _alike(events: list[Event]) -> list[Event]:
    """As many as were never tried, or the one that was and is first."""
    if events and events[0].attempts:
        return events[:1]
    tried = next((i for i, event in enumerate(events) if event.attempts), len(events))
    return events[:tried]
