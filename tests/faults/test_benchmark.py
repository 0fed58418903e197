"""How the benchmark of faults measures and counts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from benchmarks.faults.cameras import Shot
from benchmarks.faults.ledger import FINISHED, Record, check
from benchmarks.faults.photos import DIFFERENT, expected, photo
from benchmarks.faults.recovery import Fault, recovery, summary
from inference_worker.engine.decode import decode

RATE = 10.0
AT, UNTIL = 100.0, 130.0
TAKEN = [90 + n / RATE for n in range(400)]
DELAY = 0.1


def results(back: float, per_second: float) -> list[float]:
    """None between the fault and `back`; from then on so many a second."""
    free, ends = back, []
    for due in TAKEN:
        if due + DELAY < AT:
            ends.append(due + DELAY)
        else:
            free = max(due + DELAY, free + 1 / per_second)
            ends.append(free)
    return ends


def test_an_outage_is_felt_until_all_that_waited_is_done() -> None:
    found = recovery(Fault("x", AT, UNTIL), TAKEN, results(104, 30), RATE)
    assert found.flowing == pytest.approx(4, abs=0.2)
    # 40 waited at 104; 20 fewer each second; from 10 on nothing is felt.
    assert found.caught_up == pytest.approx(5.5, abs=0.2)
    assert found.in_hand == pytest.approx(4.03, abs=0.05)
    assert found.silent == pytest.approx(4.1, abs=0.1)
    assert found.behind == pytest.approx(40, abs=2)


def test_what_nobody_notices_takes_no_time() -> None:
    found = recovery(Fault("x", AT, UNTIL), TAKEN, results(100.3, 100), RATE)
    assert (found.flowing, found.caught_up) == (0, 0)
    assert found.in_hand < 0.5


def test_results_that_only_keep_up_do_not_recover() -> None:
    found = recovery(Fault("x", AT, UNTIL), TAKEN, results(104, RATE), RATE)
    assert found.caught_up == math.inf


def test_a_photo_that_is_left_behind_shows_although_the_others_flow() -> None:
    ends = results(101, 100)
    ends[TAKEN.index(99.9)] = 117.0
    found = recovery(Fault("x", AT, UNTIL), TAKEN, ends, RATE)
    assert found.in_hand == 17
    assert found.caught_up < 2


def test_the_summary_is_by_kind() -> None:
    one = recovery(Fault("x", AT, UNTIL), TAKEN, results(104, 30), RATE)
    more = [replace(one, silent=seconds) for seconds in (1.0, 2.0, 9.0)]
    assert summary(more)["x"]["silent"] == {"median": 2.0, "most": 9.0}
    assert summary(more)["x"]["faults"] == 3


def test_each_photo_shows_what_is_expected_of_it() -> None:
    for number in (0, 1, 2, 3, DIFFERENT - 1):
        name, left, top = expected(number)
        square = decode(photo(number))[top : top + 32, left : left + 32]
        channel = ("red", "green", "blue").index(name)
        assert square[..., channel].mean() > 240
        assert decode(photo(number)).mean() < 2


def record(number: int) -> Record:
    return Record(
        inspections=[f"id-{number}"],
        states=["done"],
        codes=[""],
        finished_at=1.0,
        defects=[expected(number)],
        events=[FINISHED],
        jobs=[("succeeded", 1)],
    )


def shot(number: int) -> Shot:
    return Shot(number, 0.0, inspection=f"id-{number}")


def test_the_ledger_finds_nothing_where_nothing_is_wrong() -> None:
    found = check([shot(0), shot(1)], {"photo-0": record(0), "photo-1": record(1)})
    bad = ("lost", "double", "wrong", "unknown", "poison_not_quarantined")
    assert [found[name] for name in bad] == [[]] * 5
    assert (found["photos"], found["by_attempts"]) == (2, {"1": 2})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"states": ["pending"]}, "lost"),
        ({"states": ["failed"]}, "lost"),
        ({"defects": [expected(0)] * 2}, "double"),
        ({"events": [FINISHED] * 2}, "double"),
        ({"inspections": ["id-0", "id-9"]}, "double"),
        ({"jobs": [("succeeded", 1)] * 2}, "double"),
        ({"defects": [expected(5)]}, "wrong"),
        ({"defects": []}, "wrong"),
        ({"events": []}, "wrong"),
        ({"inspections": ["id-9"]}, "wrong"),
    ],
)
def test_the_ledger_names_what_is_wrong(changes: dict[str, object], name: str) -> None:
    found = check([shot(0)], {"photo-0": replace(record(0), **changes)})
    assert found[name] == ["photo-0"]


def test_a_photo_without_a_record_is_lost_and_a_record_without_a_photo_told() -> None:
    found = check([shot(0)], {"photo-1": record(1)})
    assert found["lost"] == ["photo-0"]
    assert found["unknown"] == ["photo-1"]


def test_poison_must_end_in_quarantine() -> None:
    poison = Shot(0, 0.0, poison=True, inspection="id-0")
    found = check([poison], {"photo-0": record(0)})
    assert found["poison_not_quarantined"] == ["photo-0"]
    assert found["photos"] == 0
