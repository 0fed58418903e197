"""Work in batches that fill by themselves and never wait to be fuller."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from inference_worker.gatherer import Gatherer, Late, Overloaded, Priority


class Bench:
    """A worker whose first call blocks until it is let go; remembers its batches."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.started = threading.Event()
        self.batches: list[list[int]] = []

    def work(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        self.started.set()
        self.go.wait(5)
        if -1 in items:
            raise ValueError("bad item")
        return [item * 10 for item in items]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def gatherer(bench: Bench) -> Iterator[Gatherer[int, int]]:
    made: Gatherer[int, int] = Gatherer(
        "test", bench.work, most=4, room=10, kind=lambda item: item >= 100
    )
    yield made
    bench.go.set()
    made.close()


def block(gatherer: Gatherer[int, int], bench: Bench) -> None:
    """Keep the thread busy with item 0, so that more can pile up."""
    gatherer.submit(0)
    assert bench.started.wait(5)


def test_a_lone_item_starts_at_once(gatherer: Gatherer[int, int], bench: Bench) -> None:
    bench.go.set()
    started = time.monotonic()
    assert gatherer.submit(7).result(5) == 70
    assert time.monotonic() - started < 0.5


def test_what_waits_goes_together_up_to_the_most(
    gatherer: Gatherer[int, int], bench: Bench
) -> None:
    block(gatherer, bench)
    futures = [gatherer.submit(n) for n in range(1, 7)]
    bench.go.set()
    assert [future.result(5) for future in futures] == [10, 20, 30, 40, 50, 60]
    assert bench.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_only_like_items_go_together_the_oldest_first(
    gatherer: Gatherer[int, int], bench: Bench
) -> None:
    block(gatherer, bench)
    futures = [gatherer.submit(n) for n in (100, 1, 101, 2)]
    bench.go.set()
    for future in futures:
        future.result(5)
    assert bench.batches == [[0], [100, 101], [1, 2]]


def test_how_many_and_which_go_together_is_asked_for_each_batch(bench: Bench) -> None:
    most, divisor = [2], [1]
    made: Gatherer[int, int] = Gatherer(
        "test", bench.work, most=lambda: most[0], kind=lambda n: n % divisor[0]
    )
    block(made, bench)
    futures = [made.submit(n) for n in range(1, 7)]
    most[0], divisor[0] = 3, 2
    bench.go.set()
    for future in futures:
        future.result(5)
    made.close()
    assert bench.batches == [[0], [1, 3, 5], [2, 4, 6]]


def test_a_bad_item_harms_only_itself(
    gatherer: Gatherer[int, int], bench: Bench
) -> None:
    block(gatherer, bench)
    good, bad, other = (gatherer.submit(n) for n in (1, -1, 2))
    bench.go.set()
    assert (good.result(5), other.result(5)) == (10, 20)
    with pytest.raises(ValueError, match="bad item"):
        bad.result(5)


def test_a_withdrawn_item_is_not_worked_on(
    gatherer: Gatherer[int, int], bench: Bench
) -> None:
    block(gatherer, bench)
    withdrawn, kept = gatherer.submit(1), gatherer.submit(2)
    assert withdrawn.cancel()
    bench.go.set()
    assert kept.result(5) == 20
    assert bench.batches[1:] == [[2]]


def test_there_is_room_for_so_many(gatherer: Gatherer[int, int], bench: Bench) -> None:
    block(gatherer, bench)
    for n in range(10):
        gatherer.submit(n)
    with pytest.raises(Overloaded):
        gatherer.submit(11)


def test_it_knows_how_long_it_has_been_busy(
    gatherer: Gatherer[int, int], bench: Bench
) -> None:
    assert gatherer.busy_seconds() == 0
    block(gatherer, bench)
    time.sleep(0.05)
    assert gatherer.busy_seconds() >= 0.05


def test_closing_finishes_what_waits() -> None:
    made: Gatherer[int, int] = Gatherer("test", lambda items: items, most=1)
    futures = [made.submit(n) for n in range(20)]
    made.close()
    assert [future.result(0) for future in futures] == list(range(20))
    with pytest.raises(Overloaded):
        made.submit(1)


def test_the_first_priority_goes_first_and_the_later_fills_up(
    gatherer: Gatherer[int, int], bench: Bench
) -> None:
    block(gatherer, bench)
    later = [gatherer.submit(n, priority=Priority.LATER) for n in (1, 2, 3)]
    first = [gatherer.submit(n) for n in (4, 5, 100)]
    bench.go.set()
    for future in (*later, *first):
        future.result(5)
    assert bench.batches == [[0], [4, 5, 1, 2], [100], [3]]


def test_each_priority_has_room_of_its_own(
    gatherer: Gatherer[int, int], bench: Bench
) -> None:
    block(gatherer, bench)
    for n in range(10):
        gatherer.submit(n, priority=Priority.LATER)
    with pytest.raises(Overloaded):
        gatherer.submit(10, priority=Priority.LATER)
    gatherer.submit(11)


def test_who_is_too_late_is_told_and_not_worked_on(
    gatherer: Gatherer[int, int], bench: Bench
) -> None:
    block(gatherer, bench)
    now = time.monotonic()
    late = gatherer.submit(1, deadline=now + 0.01)
    good = gatherer.submit(2, deadline=now + 60)
    time.sleep(0.02)
    bench.go.set()
    with pytest.raises(Late):
        late.result(5)
    assert good.result(5) == 20
    assert bench.batches == [[0], [2]]


def test_an_errand_is_run_between_two_batches_on_the_same_thread(
    gatherer: Gatherer[int, int], bench: Bench
) -> None:
    block(gatherer, bench)
    seen: list[tuple[str, int]] = []
    errand = gatherer.between(
        lambda: seen.append((threading.current_thread().name, len(bench.batches)))
    )
    waiting = gatherer.submit(1)
    assert not errand.done()
    bench.go.set()
    assert waiting.result(5) == 10
    assert errand.result(5) is None
    assert seen == [("test", 1)]


def test_an_errand_is_run_when_nothing_waits(gatherer: Gatherer[int, int]) -> None:
    with pytest.raises(ZeroDivisionError):
        gatherer.between(lambda: 1 // 0).result(5)
    assert gatherer.between(lambda: None).result(5) is None


def test_closing_finishes_both_priorities_and_errands() -> None:
    made: Gatherer[int, int] = Gatherer("test", lambda items: items, most=1)
    kinds = [Priority.LATER, Priority.FIRST] * 10
    futures = [made.submit(n, priority=kind) for n, kind in enumerate(kinds)]
    errand = made.between(lambda: None)
    made.close()
    assert [future.result(0) for future in futures] == list(range(20))
    assert errand.result(0) is None
    with pytest.raises(Overloaded):
        made.between(lambda: None)
