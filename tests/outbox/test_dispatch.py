"""Events reach every consumer, in order, each exactly once unless it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from pytest_django import Settings

from traceability.lib.trace import current_trace
from traceability.outbox import claiming, dispatching, services
from traceability.outbox.consuming import concerned_if
from traceability.outbox.models import Event

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)
seen: list[tuple[str, str, int]] = []
trouble: dict[str, Callable[[Event], None]] = {}


def first(event: Event) -> None:
    _consume("first", event)


def second(event: Event) -> None:
    _consume("second", event)


def _consume(name: str, event: Event) -> None:
    if name in trouble:
        trouble[name](event)
    seen.append((name, event.key, event.payload.get("n", 0)))


@pytest.fixture(autouse=True)
def _consumers(settings: Settings) -> None:
    settings.OUTBOX_CONSUMERS = [f"{__name__}.first", f"{__name__}.second"]
    seen.clear()
    trouble.clear()


def fail(event: Event) -> None:
    raise ValueError("no")


def drain() -> None:
    while services.dispatch():
        pass


def test_each_consumer_sees_each_event_once_in_order() -> None:
    for n in range(3):
        services.emit("tick", "a", {"n": n})
    drain()
    drain()
    assert seen == [(name, "a", n) for n in range(3) for name in ("first", "second")]


def test_what_a_consumer_logs_carries_the_trace_of_the_photo() -> None:
    traces: list[str] = []
    trouble["first"] = lambda event: traces.append(current_trace().id)
    services.emit("inspection.finished", "a", {"trace_id": "4b" * 16})
    services.emit("tick", "a")
    drain()
    assert traces == ["4b" * 16, "-"]


def test_an_event_of_a_transaction_that_fails_never_happened() -> None:
    with transaction.atomic():
        services.emit("tick")
        transaction.set_rollback(True)
    assert services.dispatch() == 0


def test_a_failing_consumer_holds_up_neither_the_other_nor_other_keys() -> None:
    trouble["first"] = lambda event: fail(event) if event.key == "bad" else None
    services.emit("tick", "bad", {"n": 1})
    services.emit("tick", "good", {"n": 2})
    drain()
    assert seen == [("second", "bad", 1), ("first", "good", 2), ("second", "good", 2)]


def test_a_failed_event_is_tried_again_and_its_successors_wait_for_it() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        trouble["second"] = fail
        services.emit("tick", "a", {"n": 1})
        services.emit("tick", "a", {"n": 2})
        drain()
        assert seen == [("first", "a", 1)]
        trouble.clear()
        drain()
        assert len(seen) == 1, "not before its pause is over"
        clock.shift(timedelta(seconds=1))
        drain()
    assert seen == [
        ("first", "a", 1),
        ("second", "a", 1),
        ("first", "a", 2),
        ("second", "a", 2),
    ]


def test_what_a_failing_consumer_wrote_is_undone() -> None:
    def write_and_fail(event: Event) -> None:
        if event.kind == "tick":
            services.emit("written", "elsewhere")
            raise ValueError("no")

    trouble["first"] = write_and_fail
    services.emit("tick", "a")
    drain()
    assert not Event.objects.filter(kind="written").exists()


def test_a_hopeless_event_is_set_aside_with_its_error() -> None:
    trouble["first"] = fail
    with time_machine.travel(NOW, tick=False) as clock:
        event = services.emit("tick", "a")
        for _attempt in range(20):
            drain()
            clock.shift(timedelta(seconds=10))
    event.refresh_from_db()
    assert event.dispatched_at is not None
    assert event.attempts == dispatching.MAX_ATTEMPTS
    assert "ValueError('no')" in event.error
    assert seen == [("second", "a", 0)]


def test_an_event_in_hand_is_left_alone_until_the_lease_is_over() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        services.emit("tick", "a")
        taken = dispatching.claim(1)
        assert len(taken) == 1
        assert services.dispatch() == 0
        clock.shift(dispatching.LEASE)
        assert services.dispatch() == 1
        dispatching.hand_over(taken, dispatching.consumers())
    assert seen == [("first", "a", 0), ("second", "a", 0)], "the late one does nothing"


def test_who_lost_an_event_to_another_leaves_it_alone() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        services.emit("tick", "a")
        slow = dispatching.claim(1)
        clock.shift(dispatching.LEASE)
        quick = dispatching.claim(1)
        assert [event.pk for event in slow] == [event.pk for event in quick]
        dispatching.hand_over(slow, dispatching.consumers())
        assert seen == []
        dispatching.hand_over(quick, dispatching.consumers())
    assert seen == [("first", "a", 0), ("second", "a", 0)]


def test_a_backlog_of_a_storm_is_worked_off_in_time(
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    services.emit_all(("tick", f"station:{n % 7}", {"n": n}) for n in range(140))
    # A savepoint, which is two queries, for each of two consumers of each event; the
    # rest is of transactions, which hold as many events as there is time for.
    with django_assert_max_num_queries(11 * 50 + 1):
        assert services.dispatch(limit=50) == 50
    drain()
    for station in range(7):
        numbers = [
            n for name, key, n in seen if (name, key) == ("first", f"station:{station}")
        ]
        assert numbers == sorted(numbers)
        assert len(numbers) == 20


@pytest.mark.skipif(connection.vendor != "sqlite", reason="each has its own elsewhere")
def test_several_events_share_a_transaction(
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    monkeypatch.setattr(dispatching, "HOLD_SECONDS", 60)
    services.emit_all(("tick", "a", {"n": n}) for n in range(dispatching.BATCH))
    # To find them; to claim them, 5; to settle them, 4; and the two savepoints of each.
    with django_assert_max_num_queries(1 + 5 + 4 + 4 * dispatching.BATCH):
        services.dispatch(limit=dispatching.BATCH)
    assert len(seen) == 2 * dispatching.BATCH


@pytest.mark.skipif(connection.vendor != "sqlite", reason="each has its own elsewhere")
def test_a_consumer_without_business_with_an_event_costs_no_savepoint(
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    monkeypatch.setattr(dispatching, "HOLD_SECONDS", 60)
    odd = concerned_if(lambda event: event.payload["n"] % 2 == 1)
    monkeypatch.setattr(dispatching, "consumers", lambda: {"odd": odd(_odd)})
    batch = dispatching.BATCH
    events = services.emit_all(("tick", "a", {"n": n}) for n in range(batch))
    with django_assert_max_num_queries(1 + 5 + 4 + batch):
        assert services.dispatch(limit=batch) == batch
    assert [n for _, _, n in seen] == list(range(1, batch, 2))
    for event in events:
        event.refresh_from_db()
        assert (event.handled, event.error) == (["odd"], "")


def _odd(event: Event) -> None:
    _consume("odd", event)


def test_a_consumer_whose_check_fails_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        dispatching, "consumers", lambda: {"odd": concerned_if(_unsure)(_odd)}
    )
    services.emit("tick", "a", {"n": 1})
    drain()
    assert seen == [("odd", "a", 1)]


def _unsure(event: Event) -> bool:
    raise ValueError("no")


def test_a_transaction_ends_when_others_have_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is done is there for others before the rest of the batch is."""
    monkeypatch.setattr(dispatching, "HOLD_SECONDS", 0.01)
    settled: list[int] = []

    def look(event: Event) -> None:
        settled.append(Event.objects.exclude(dispatched_at=None).count())
        time.sleep(0.02)

    trouble["second"] = look
    services.emit_all(("tick", "a", {"n": n}) for n in range(3))
    services.dispatch()
    assert settled == [0, 1, 2]


def test_an_event_that_kills_takes_none_of_its_batch_with_it() -> None:
    def die(event: Event) -> None:
        if event.kind == "tick" and event.payload["n"] == 3:
            raise KeyboardInterrupt  # nothing in the dispatcher runs after this

    def write(event: Event) -> None:
        if event.kind == "tick":
            services.emit("written", payload=event.payload)

    trouble.update({"first": die, "second": write})
    with time_machine.travel(NOW, tick=False) as clock:
        events = services.emit_all(("tick", f"k{n}", {"n": n}) for n in range(6))
        for _attempt in range(10):
            try:
                drain()
            except KeyboardInterrupt:
                clock.shift(dispatching.LEASE)
    errors = [Event.objects.get(pk=event.pk).error for event in events]
    assert [bool(error) for error in errors] == [n == 3 for n in range(6)]
    written = Event.objects.filter(kind="written")
    assert sorted(one.payload["n"] for one in written) == [0, 1, 2, 4, 5]


def test_what_follows_a_failed_one_of_its_key_was_not_tried() -> None:
    trouble["first"] = lambda event: fail(event) if event.payload["n"] == 1 else None
    with time_machine.travel(NOW, tick=False) as clock:
        events = services.emit_all(("tick", "a", {"n": n}) for n in range(4))
        drain()
        for event in events:
            event.refresh_from_db()
        assert [event.attempts for event in events] == [1, 1, 0, 0]
        trouble.clear()
        clock.shift(timedelta(seconds=1))
        drain()
    assert [n for name, _, n in seen if name == "first"] == [0, 1, 2, 3]


def test_what_another_dispatcher_has_in_hand_is_waited_for() -> None:
    """Its key's later events too, though they were found before it was taken."""
    services.emit_all(("tick", key, {"n": n}) for n in range(3) for key in "ab")
    found = claiming._next(6)
    assert len(found) == 6
    taken = dispatching.claim(1)
    assert taken[0].key == "a"
    assert not claiming._take(found)
    assert [event.key for event in dispatching.claim(6)] == ["b", "b", "b"]
