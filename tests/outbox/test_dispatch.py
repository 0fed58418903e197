"""Events reach every consumer, in order, each exactly once unless it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from pytest_django import Settings

from traceability.lib.trace import current_trace
from traceability.outbox import services
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
    assert event.attempts == services.MAX_ATTEMPTS
    assert "ValueError('no')" in event.error
    assert seen == [("second", "a", 0)]


def test_an_event_that_kills_its_dispatcher_is_set_aside_in_the_end() -> None:
    deaths = 0

    def die(event: Event) -> None:
        nonlocal deaths
        deaths += 1
        raise KeyboardInterrupt  # nothing in the dispatcher runs after this

    trouble["first"] = die
    with time_machine.travel(NOW, tick=False) as clock:
        event = services.emit("tick", "a")
        for _attempt in range(10):
            try:
                drain()
            except KeyboardInterrupt:
                clock.shift(services.LEASE)
    event.refresh_from_db()
    assert deaths == services.MAX_ATTEMPTS
    assert event.dispatched_at is not None
    assert "died" in event.error


def test_an_event_in_hand_is_left_alone_until_the_lease_is_over() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        services.emit("tick", "a")
        taken = services._claim()
        assert taken is not None
        assert services.dispatch() == 0
        clock.shift(services.LEASE)
        assert services.dispatch() == 1
        services._hand_over(taken, services.consumers())
    assert seen == [("first", "a", 0), ("second", "a", 0)], "the late one does nothing"


def test_who_lost_an_event_to_another_leaves_it_alone() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        services.emit("tick", "a")
        slow = services._claim()
        clock.shift(services.LEASE)
        quick = services._claim()
        assert slow is not None
        assert quick is not None
        services._hand_over(slow, services.consumers())
        assert seen == []
        services._hand_over(quick, services.consumers())
    assert seen == [("first", "a", 0), ("second", "a", 0)]


def test_a_backlog_of_a_storm_is_worked_off_in_time(
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    services.emit_all(("tick", f"station:{n % 7}", {"n": n}) for n in range(140))
    with django_assert_max_num_queries(11 * 50 + 1):  # savepoints count as queries
        assert services.dispatch(limit=50) == 50
    drain()
    for station in range(7):
        numbers = [
            n for name, key, n in seen if (name, key) == ("first", f"station:{station}")
        ]
        assert numbers == sorted(numbers)
        assert len(numbers) == 20
