"""Dispatchers beside each other, those that die, and work that cannot be committed."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
import time_machine
from django.db import OperationalError, connection

from traceability.catalog.models import Site
from traceability.outbox import claiming, dispatching, services, tasks
from traceability.outbox.consuming import Consumer, concerned_if
from traceability.outbox.models import Event, Publication

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)
seen: list[int] = []


def note(event: Event) -> None:
    seen.append(event.payload.get("n", 0))


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Consumer]:
    """Who gets events; tests put others in."""
    consumers: dict[str, Consumer] = {"note": note}
    monkeypatch.setattr(dispatching, "consumers", lambda: consumers)
    seen.clear()
    return consumers


def drain() -> None:
    while services.dispatch():
        pass


def test_who_finds_what_others_have_taken_takes_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dispatchers are woken at once, and find the same events first."""
    batch, take = dispatching.BATCH, claiming._take

    def late(found: Sequence[Event]) -> bool:
        monkeypatch.setattr(claiming, "_take", take)
        assert len(dispatching.claim(batch)) == batch
        return take(found)

    monkeypatch.setattr(claiming, "_take", late)
    services.emit_all(("tick", f"k{n}", {"n": n}) for n in range(2 * batch))
    assert services.dispatch() == batch
    assert seen == list(range(batch, 2 * batch))


def test_a_task_takes_as_many_at_once_as_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = Mock(wraps=dispatching.claim)
    monkeypatch.setattr(dispatching, "claim", claim)
    services.emit("tick")
    tasks.dispatch()
    assert claim.call_args_list[0].args == (dispatching.BATCH,)


@pytest.mark.parametrize("when", ["asked", "called"])
def test_an_event_that_kills_its_dispatcher_is_set_aside_in_the_end(
    handlers: dict[str, Consumer], when: str
) -> None:
    deaths = 0

    def die(event: Event) -> bool:
        nonlocal deaths
        deaths += 1
        raise KeyboardInterrupt  # nothing in the dispatcher runs after this

    asked = concerned_if(die)(lambda event: None)
    handlers["deadly"] = die if when == "called" else asked
    with time_machine.travel(NOW, tick=False) as clock:
        event = services.emit("tick", "a")
        for _attempt in range(10):
            try:
                drain()
            except KeyboardInterrupt:
                clock.shift(dispatching.LEASE)
    event.refresh_from_db()
    assert deaths == dispatching.MAX_ATTEMPTS
    assert event.dispatched_at is not None
    assert "died" in event.error


def dangle(event: Event) -> None:
    """A foreign key that leads nowhere is found when the transaction ends."""
    if event.payload["n"] == 1:
        Publication.objects.create(stream_id=0, sequence=1, topic="t", created_at=NOW)


def test_what_fails_when_it_is_committed_is_tried_again_like_any_other(
    handlers: dict[str, Consumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "HOLD_SECONDS", 60)
    handlers["dangling"] = dangle
    with time_machine.travel(NOW, tick=False) as clock:
        events = services.emit_all(("tick", f"k{n}", {"n": n}) for n in range(3))
        drain()
        if connection.vendor == "sqlite":  # where they share a transaction
            assert not Event.objects.exclude(dispatched_at=None).exists()
        clock.shift(timedelta(seconds=1))
        drain()
        done = Event.objects.exclude(dispatched_at=None).order_by("id")
        assert [event.pk for event in done] == [events[0].pk, events[2].pk]
        for _attempt in range(dispatching.MAX_ATTEMPTS):
            clock.shift(timedelta(seconds=20))
            drain()
    events[1].refresh_from_db()
    assert events[1].dispatched_at is not None
    assert "IntegrityError" in events[1].error


@pytest.mark.skipif(connection.vendor == "sqlite", reason="it has one writer at a time")
def test_dispatchers_of_several_lines_do_not_wait_for_each_other_crosswise(
    handlers: dict[str, Consumer],
) -> None:
    lines = [Site.objects.create(code=code, name=code) for code in "AB"]
    both_began = threading.Barrier(2)
    first = threading.local()

    def analyse(event: Event) -> None:
        Site.objects.filter(code=event.payload["line"]).update(name="asked")
        if not hasattr(first, "done"):
            first.done = True
            both_began.wait(20)

    handlers["analyse"] = analyse
    orders = ("AB", "BA")
    events = [
        services.emit_all(("tick", f"{order}{code}", {"line": code}) for code in order)
        for order in orders
    ]
    Event.objects.update(attempts=1)
    for event in [one for some in events for one in some]:
        event.attempts = 1
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda some: _hand_over(some, handlers), events))
    assert not Event.objects.filter(dispatched_at=None).exists()
    assert not Event.objects.exclude(error="").exists()
    assert Site.objects.filter(name="asked").count() == len(lines)


def _hand_over(events: Sequence[Event], handlers: dict[str, Consumer]) -> None:
    try:
        dispatching.hand_over(events, handlers)
    finally:
        connection.close()


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whoever would settle what concerns nobody finds the database locked once."""
    settled, times = dispatching._settled, list[int]()

    def fail_once(handlers: Mapping[str, Consumer]) -> dict[str, object]:
        times.append(1)
        if len(times) == 1:
            raise OperationalError("database is locked")
        return settled(handlers)

    monkeypatch.setattr(dispatching, "_settled", fail_once)
    return times


def test_what_cannot_be_settled_is_tried_again_soon_and_holds_up_nobody(
    handlers: dict[str, Consumer], locked: list[int]
) -> None:
    handlers["note"] = concerned_if(lambda event: event.payload["n"] == 1)(note)
    with time_machine.travel(NOW, tick=False) as clock:
        events = services.emit_all(("tick", f"k{n}", {"n": n}) for n in range(3))
        drain()
        assert seen == [1]
        waiting = Event.objects.filter(dispatched_at=None)
        assert {event.pk for event in waiting} == {events[0].pk, events[2].pk}
        assert all("locked" in event.error for event in waiting)
        clock.shift(timedelta(seconds=1))
        drain()
        assert not Event.objects.filter(dispatched_at=None).exists()
    assert seen == [1]


def test_what_concerns_nobody_is_settled_by_who_has_it(
    handlers: dict[str, Consumer],
) -> None:
    handlers["note"] = concerned_if(lambda event: False)(note)
    with time_machine.travel(NOW, tick=False) as clock:
        services.emit("tick", "a")
        slow = dispatching.claim(1)
        clock.shift(dispatching.LEASE)
        assert len(dispatching.claim(1)) == 1
        dispatching.hand_over(slow, handlers)
        assert Event.objects.filter(dispatched_at=None).exists()
        clock.shift(dispatching.LEASE)
        drain()
        assert not Event.objects.filter(dispatched_at=None).exists()
