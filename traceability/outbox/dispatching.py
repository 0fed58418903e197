"""Hand events to their consumers, each of them once.

On SQLite several share a transaction: one for each consumer of each event cost its one
writer more than taking photos in. Where many write at once they would wait for each
other's lines crosswise, so there each event has its own.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string

from traceability.lib.trace import tracing
from traceability.outbox.claiming import LEASE, claim
from traceability.outbox.consuming import Consumer, check_of
from traceability.outbox.models import Event

__all__ = ["BATCH", "LEASE", "MAX_ATTEMPTS", "claim", "dispatch", "hand_over"]

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
# What is taken at once waits for its lease when the dispatcher dies.
BATCH = 10
# A transaction in which that much time was spent is ended: uploads wait for it.
HOLD_SECONDS = 0.01


def consumers() -> dict[str, Consumer]:
    """The functions named by `OUTBOX_CONSUMERS`, each taking one event."""
    return {path: import_string(path) for path in settings.OUTBOX_CONSUMERS}


def dispatch(limit: int = 50) -> int:
    """Hand up to `limit` waiting events to the consumers; returns how many were taken.

    Oldest first; an event waits for the older ones of its key, so any number of
    dispatchers keeps the order of a station. What a consumer writes commits together
    with the note that it has handled the event: it sees every event exactly once,
    unless it fails, which is undone, tried again with growing pauses and given up
    after `MAX_ATTEMPTS`, so that one bad event cannot hold up the rest.
    """
    handlers = consumers()
    handed = 0
    while handed < limit and (events := claim(min(BATCH, limit - handed))):
        hand_over(events, handlers)
        handed += len(events)
    return handed


def hand_over(events: Sequence[Event], handlers: Mapping[str, Consumer]) -> None:
    """Call whom they concern and who has not had them; settle each or put it back."""
    wanted = {event.pk: _concerned(event, handlers) for event in events}
    left = deque(event for event in events if _calls(event, wanted[event.pk]))
    _settle([event for event in events if event not in left], handlers)
    held_up = set[str]()
    most = len(events) if connection.vendor == "sqlite" else 1
    while left:
        held = list(left)[:most]
        try:
            with transaction.atomic():
                done = _hand_some(left, most, wanted, held_up)
                Event.objects.filter(pk__in=done).update(**_settled(handlers))
        except DatabaseError as error:
            logger.exception("what %s events led to was not committed", len(held))
            _put_off(held, repr(error))
            for event in set(left).difference(held):
                _give_back(event)
            return


def _calls(event: Event, wanted: Mapping[str, Consumer]) -> bool:
    """Whether there is more to do than to note that nothing is."""
    return bool(wanted) or event.attempts > MAX_ATTEMPTS


def _settle(events: Sequence[Event], handlers: Mapping[str, Consumer]) -> None:
    """What concerns nobody, as most photos do not, waits for nothing."""
    for attempts in {event.attempts for event in events}:
        ours = {event.pk: event for event in events if event.attempts == attempts}
        rows = Event.objects.filter(pk__in=ours, attempts=attempts, dispatched_at=None)
        try:
            rows.update(**_settled(handlers))
        except DatabaseError as error:  # the others need not wait for our lease's end
            logger.exception(
                "%s events that concern nobody were not settled", len(ours)
            )
            _put_off(ours.values(), repr(error))


def _settled(handlers: Mapping[str, Consumer]) -> dict[str, Any]:
    now = timezone.now()
    return {"dispatched_at": now, "handled": list(handlers), "error": ""}


def _concerned(event: Event, handlers: Mapping[str, Consumer]) -> dict[str, Consumer]:
    if event.attempts > MAX_ATTEMPTS:  # a check may be what killed the others
        return {}
    left = {path: one for path, one in handlers.items() if path not in event.handled}
    with tracing(event.payload.get("trace_id", "")):
        return {path: one for path, one in left.items() if _asked(one, event)}


def _asked(consumer: Consumer, event: Event) -> bool:
    try:
        return check_of(consumer)(event)
    except Exception:  # called, it fails where failing is looked after
        return True


def _hand_some(
    left: deque[Event],
    most: int,
    wanted: Mapping[int, Mapping[str, Consumer]],
    held_up: set[str],
) -> list[int]:
    """Of those that are left, as many as one transaction has time for, up to `most`.

    Their rows are locked first against who takes them over once our lease has run out.
    `held_up` are the keys of which one is to be tried again. Returns which went well.
    """
    some = list(left)[:most]
    ours = _still_ours(some)
    done, end = list[int](), time.monotonic() + HOLD_SECONDS
    for event in some:
        left.popleft()
        if event.pk not in ours:
            continue
        if event.key in held_up:
            _give_back(event)
        elif _hand_one(event, wanted[event.pk]):
            done.append(event.pk)
        elif event.key:
            held_up.add(event.key)
        if time.monotonic() > end:
            break
    return done


def _still_ours(events: Iterable[Event]) -> set[int]:
    """Each attempt has one owner."""
    known = {event.pk: event.attempts for event in events}
    rows = Event.objects.filter(pk__in=known, dispatched_at=None)
    found = rows.select_for_update().order_by("id").values_list("id", "attempts")
    return {pk for pk, attempts in found if attempts == known[pk]}


def _hand_one(event: Event, wanted: Mapping[str, Consumer]) -> bool:
    """Whether all went well; else what is to be done with it is noted."""
    if event.attempts > MAX_ATTEMPTS:
        _set_aside(event, event.error or "every dispatcher that tried this event died")
        return False
    errors = {
        path: error
        for path, one in wanted.items()
        if (error := _call(event, path, one))
    }
    event.handled += [path for path in wanted if path not in errors]
    if errors:
        _failed(event, "; ".join(f"{path}: {said}" for path, said in errors.items()))
    return not errors


def _call(event: Event, path: str, consumer: Consumer) -> str:
    """Let one consumer handle the event; what went wrong is undone and returned."""
    try:
        with tracing(event.payload.get("trace_id", "")), transaction.atomic():
            consumer(event)
    except Exception as error:  # a consumer's bug must not stop the line's events
        logger.exception("%s failed on event %s (%s)", path, event.pk, event.kind)
        return repr(error)
    return ""


def _failed(event: Event, error: str) -> None:
    """Keep what went well; another attempt follows, if there is one left."""
    if event.attempts == MAX_ATTEMPTS:
        _set_aside(event, error)
        return
    Event.objects.filter(pk=event.pk).update(
        not_before=_later(event), handled=event.handled, error=error
    )


def _put_off(events: Iterable[Event], error: str) -> None:
    """Each is tried alone, for one of them may have undone what all of them led to."""
    for event in events:
        ours = Event.objects.filter(pk=event.pk, attempts=event.attempts)
        ours.filter(dispatched_at=None).update(not_before=_later(event), error=error)


def _later(event: Event) -> datetime:
    return timezone.now() + timedelta(seconds=2 ** (event.attempts - 1))


def _give_back(event: Event) -> None:
    """As if it had not been taken: one of its key before it is to be tried again."""
    ours = Event.objects.filter(pk=event.pk, attempts=event.attempts)
    ours.filter(dispatched_at=None).update(
        attempts=F("attempts") - 1, not_before=timezone.now()
    )


def _set_aside(event: Event, error: str) -> None:
    logger.error("event %s is set aside: %s", event.pk, error)
    Event.objects.filter(pk=event.pk).update(
        dispatched_at=timezone.now(), handled=event.handled, error=error
    )
