"""Photos are looked at while a worker that has just started is on its way up."""

from __future__ import annotations

import logging
import time

import numpy as np
import pytest

from inference_worker import memory
from inference_worker.ladder import attempts, climber, raising, record, workshop
from inference_worker.ladder.errors import NoRung
from inference_worker.ladder.reasons import Fallen, Stage
from inference_worker.ladder.record import Record
from tests.engine.toy import board, paint
from tests.ladder import shaky
from tests.ladder.conftest import Plant
from tests.ladder.starting import lines, stands_on, started
from tests.ladder.test_attempts import threads
from tests.ladder.test_climbing import backend, until
from tests.ladder.test_replicas import ladder_on_card, size

SECONDS = 20.0


@pytest.fixture(autouse=True)
def who_fails_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PAUSES", (600.0, 600.0, 600.0))


def test_photos_do_not_wait_for_the_best_rung_and_nothing_looks_like_a_fault(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    plant.break_("cuda", "stuck")
    ladder = plant.ladder("cuda", "openvino")
    with started(ladder) as batcher:
        assert [backend(batcher) for _ in range(3)] == ["openvino"] * 3
        assert (ladder.figures.place, ladder.figures.untried) == (1, 1)
        assert len(plant.told) == 1
        plant.mend("cuda")
        until(lambda: stands_on(ladder) == "cuda")
        assert backend(batcher) == "cuda"
        assert (ladder.figures.place, ladder.figures.untried) == (0, 0)
    assert [one.degraded for one in plant.told] == [False, False]
    figures = ladder.figures
    assert (figures.hops, figures.climbs, figures.retries) == ({}, {"cuda": 1}, {})
    assert lines(caplog) == [
        'ladder.way_up {"on": "openvino", "to": "cuda"}',
        'ladder.climb {"left": "openvino", "to": "cuda"}',
    ]
    assert {one.levelname for one in caplog.records} == {"INFO"}


@pytest.mark.parametrize(
    ("how", "reason"),
    [("load", "LOAD"), ("warm-up", "WARMUP"), ("wrong", "WARMUP"), ("oom", "OOM")],
)
def test_what_fails_on_the_way_up_is_told_once_however_often_it_does(
    plant: Plant,
    how: str,
    reason: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record, "PAUSES", (0.1, 0.1, 0.1))
    plant.break_("cuda", how)
    ladder = plant.ladder("cuda", "openvino")
    with started(ladder) as batcher:
        until(lambda: ladder.figures.retries["cuda"] >= 2)
        assert backend(batcher) == "openvino"
        (failure,) = ladder.situation.failures
        assert (failure.rung, failure.reason) == ("cuda", reason)
        assert [one.failures for one in plant.told] == [(), (failure,)]
        assert (ladder.figures.place, ladder.figures.untried) == (1, 0)
        plant.mend("cuda")
        until(lambda: stands_on(ladder) == "cuda")
    assert ladder.figures.hops == {("cuda", reason): 1}
    (line,) = [text for text in lines(caplog) if "hop" in text]
    assert '"left": "cuda", "to": "openvino"' in line
    assert not plant.told[-1].degraded


@pytest.mark.parametrize(("deaths", "codes"), [(1, []), (2, ["trial_died"])])
def test_a_rung_that_killed_processes_on_the_way_up_is_blamed_at_the_second(
    plant: Plant, deaths: int, codes: list[str]
) -> None:
    for _ in range(deaths):
        plant.ladder().record.begin("cuda")  # and here the process dies
    ladder = plant.ladder("cuda", "openvino")
    with started(ladder) as batcher:
        assert backend(batcher) in ("cuda", "openvino")
        until(lambda: not ladder.untried)
        assert [one.code for one in ladder.situation.failures] == codes
        assert stands_on(ladder) == ("openvino" if codes else "cuda")
    assert sum(ladder.figures.hops.values()) == len(codes)


def test_one_that_hangs_on_the_way_up_is_told_and_ends_nothing(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "HUNG_SECONDS", 0.3)
    monkeypatch.setattr(attempts, "LOOK_SECONDS", 0.02)
    plant.break_("cuda", "stuck")
    ladder = plant.ladder("cuda", "openvino")
    with started(ladder) as batcher:
        while not ladder.situation.failures:
            assert ladder.steps.seconds(Stage.LOAD) == 0, "the watchdog looks at this"
            assert backend(batcher) == "openvino"
        until(lambda: plant.told[-1].degraded)
        until(lambda: threads() == 1)  # a replica may just be thought of, too
        plant.mend("cuda")
        until(lambda: threads() == 0)
    (failure,) = ladder.situation.failures
    assert (failure.reason, failure.code) == ("LOAD", "hung")
    assert ladder.figures.hops == {("cuda", "LOAD"): 1}
    assert (len(plant.told), ladder.figures.retries, plant.left) == (2, {}, [])


def test_a_card_that_is_lost_on_the_way_up_takes_the_process_once(plant: Plant) -> None:
    plant.break_("cuda", "lost")
    ladder = plant.ladder("cuda", "openvino")
    ladder.start_soon()
    with pytest.raises(Fallen) as fallen:
        ladder.bring_up(ladder.rungs[0])
    with pytest.raises(SystemExit):
        ladder.not_up(ladder.rungs[0], fallen.value)
    assert plant.left == [70]
    after = plant.ladder("cuda", "openvino")
    after.start_soon()
    assert (stands_on(after), after.untried) == ("openvino", [])
    assert after.situation.failures[0].code == "device_lost"


def test_when_the_cpu_fails_on_the_way_up_photos_wait_for_what_comes(
    plant: Plant,
) -> None:
    plant.break_("cuda", "stuck")
    ladder = plant.ladder("cuda", "openvino")
    with started(ladder) as batcher:
        plant.break_("openvino", "error")
        with pytest.raises(NoRung, match="openvino: RUNTIME"):
            backend(batcher)
        plant.mend("cuda")
        until(lambda: stands_on(ladder) == "cuda")
        assert backend(batcher) == "cuda"
        assert not ladder.situation.degraded


def test_closed_on_the_way_up_nothing_is_waited_for_told_or_left_open(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raising, "try_apart", lambda rung, workshop: None)
    plant.break_("cuda", "stuck")
    ladder = plant.ladder("cuda", "openvino")
    with started(ladder) as batcher:
        until(lambda: threads() == 1)
        assert backend(batcher) == "openvino"
        closing = time.monotonic()
    assert time.monotonic() - closing < climber.CLOSE_SECONDS
    closed = shaky.Cuda.closed
    plant.mend("cuda")
    until(lambda: threads() == 0)
    assert shaky.Cuda.closed == closed + 1
    assert (len(plant.told), ladder.figures.hops) == (1, {})
    after = Record(plant.record)
    assert (after.failure("cuda"), after.begin("cuda")) == (None, 0)


def test_photos_in_hand_at_the_change_are_seen_each_as_what_it_is(plant: Plant) -> None:
    plant.break_("cuda", "stuck")
    ladder, futures = plant.ladder("cuda", "openvino"), []
    with started(ladder) as batcher:
        for place in range(200):
            if place == 40:
                plant.mend("cuda")
            image = board(320, 320)
            paint(image, place % 3, 32 * (place % 8), 96)
            futures.append(batcher.submit(image))
            if place >= 40 and stands_on(ladder) != "cuda":
                time.sleep(0.02)
        until(lambda: stands_on(ladder) == "cuda")
        futures.append(batcher.submit(image))
        seen = [one.result(SECONDS) for one in futures]
    places = [*range(200), 199]
    found = [(one.detections.class_ids[0], one.detections.boxes[0, 0]) for one in seen]
    assert found == [(place % 3, 32.0 * (place % 8)) for place in places]
    looked = [one.detector.backend for one in seen]
    assert looked == sorted(looked, reverse=True)
    assert set(looked) == {"openvino", "cuda"}


def test_memory_for_photos_is_the_rungs_from_the_change_on(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = lambda _, nbytes: np.empty(nbytes, np.uint8)  # noqa: E731
    monkeypatch.setattr(shaky.Cuda, "room", lock)
    plant.break_("cuda", "stuck")
    ladder = plant.ladder("cuda", "openvino")
    with started(ladder) as batcher:
        assert batcher.room(10) is None
        plant.mend("cuda")
        until(lambda: stands_on(ladder) == "cuda")
        assert len(batcher.room(10)) == 10


def test_no_replica_comes_before_the_way_up_has_ended(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what is stood on meanwhile there would be one, too."""
    monkeypatch.setattr(memory.os, "sched_getaffinity", lambda _: set(range(16)))
    monkeypatch.setattr(workshop, "REPLICATED", ("cuda", "onnxruntime"))
    monkeypatch.setattr(raising, "try_apart", lambda rung, workshop: None)
    ladder = ladder_on_card(plant)
    made, replica = list[str](), ladder.workshop.replica
    monkeypatch.setattr(
        ladder.workshop,
        "replica",
        lambda rung, source: made.append(rung.name) or replica(rung, source),
    )
    plant.break_("cuda", "stuck")
    with started(ladder) as batcher:
        assert backend(batcher) == "onnxruntime"
        assert (made, size(ladder)) == ([], 1)
        plant.mend("cuda")
        until(lambda: size(ladder) == 2)
    assert set(made) == {"cuda"}
