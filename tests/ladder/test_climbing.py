"""Back up again, beside the traffic and between two batches."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from inference_worker.batcher import Batcher
from inference_worker.engine.api import Detector
from inference_worker.engine.errors import KeyRevoked
from inference_worker.engine.store import Version
from inference_worker.ladder import climber, record
from inference_worker.ladder.climber import Climber
from inference_worker.ladder.errors import NoRung
from inference_worker.ladder.ladder import Ladder
from tests.engine.toy import board, paint
from tests.ladder.conftest import Plant
from traceability.lib.sockets import AlreadyLocked, lock

SECONDS = 20.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PAUSES", (0.2, 0.4, 0.8))


def photo() -> np.ndarray:
    image = board(320, 320)
    paint(image, 0, 64, 96)
    return image


@contextmanager
def running(
    ladder: Ladder, plant: Plant, turn: Path | None = None
) -> Iterator[Batcher]:
    """With the machine's own clock, as pauses are waited for."""
    ladder.record.clock = time.time
    ladder.start()
    batcher = Batcher(ladder)
    climbing = Climber(ladder, batcher.thread.between, turn)
    try:
        yield batcher
    finally:
        climbing.close()
        batcher.close()


def free(turn: Path) -> bool:
    with suppress(AlreadyLocked):
        lock(turn).close()
        return True
    return False


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def backend(batcher: Batcher) -> str:
    return batcher.submit(photo()).result(SECONDS).detector.backend


@pytest.mark.parametrize("how", ["load", "warm-up", "wrong", "oom"])
def test_a_rung_that_is_mended_is_climbed_to_without_being_asked(
    plant: Plant, how: str
) -> None:
    plant.break_("cuda", how)
    ladder = plant.ladder()
    with running(ladder, plant) as batcher:
        assert backend(batcher) == "onnxruntime"
        until(lambda: ladder.figures.retries["cuda"] >= 1)
        assert backend(batcher) == "onnxruntime"
        plant.mend("cuda")
        until(lambda: ladder.figures.place == 0)
        assert backend(batcher) == "cuda"
    assert ladder.figures.climbs == {"cuda": 1}
    assert [situation.degraded for situation in plant.told] == [True, False]


def test_who_shares_a_card_climbs_after_the_other(plant: Plant, tmp_path: Path) -> None:
    """Both at once would find no place for a third model there."""
    plant.break_("cuda", "load")
    ladder, turn = plant.ladder(), tmp_path / "climb-0.lock"
    others = lock(turn)
    with running(ladder, plant, turn) as batcher:
        plant.mend("cuda")
        time.sleep(1.0)  # it was due after 0.2
        assert backend(batcher) == "onnxruntime"
        assert ladder.figures.retries["cuda"] == 0
        others.close()
        until(lambda: ladder.figures.place == 0)
        until(lambda: free(turn))  # it is given back


def test_who_waits_for_a_card_can_be_stopped(plant: Plant, tmp_path: Path) -> None:
    plant.break_("cuda", "load")
    ladder, turn = plant.ladder(), tmp_path / "climb-0.lock"
    with lock(turn):
        with running(ladder, plant, turn):
            time.sleep(0.5)
            began = time.monotonic()
        assert time.monotonic() - began < climber.CLOSE_SECONDS / 2


def test_what_needs_no_card_waits_for_nobody(plant: Plant, tmp_path: Path) -> None:
    plant.break_("onnxruntime", "load")
    ladder, turn = plant.ladder("onnxruntime", "openvino"), tmp_path / "turn"
    with lock(turn), running(ladder, plant, turn):
        plant.mend("onnxruntime")
        until(lambda: ladder.figures.place == 0)


def test_photos_are_looked_at_while_a_better_rung_is_brought_up(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.break_("cuda", "load")
    ladder = plant.ladder()
    slow, entered = threading.Event(), threading.Event()
    bring_up = ladder.workshop.bring_up

    def wait(rung):
        entered.set()
        slow.wait(SECONDS)
        return bring_up(rung)

    with running(ladder, plant) as batcher:
        monkeypatch.setattr(ladder.workshop, "bring_up", wait)
        plant.mend("cuda")
        assert entered.wait(SECONDS)
        assert backend(batcher) == "onnxruntime"
        slow.set()
        until(lambda: ladder.figures.place == 0)


def test_a_ladder_that_refused_goes_on_when_a_rung_is_mended(plant: Plant) -> None:
    ladder = plant.ladder("openvino")
    with running(ladder, plant) as batcher:
        plant.break_("openvino", "error")
        for _ in range(2):
            with pytest.raises(NoRung):
                backend(batcher)
        plant.mend("openvino")
        until(lambda: ladder.figures.place == 0)
        assert backend(batcher) == "openvino"


def test_the_middle_rung_is_taken_while_the_best_stays_broken(plant: Plant) -> None:
    for name in ("cuda", "onnxruntime"):
        plant.break_(name, "load")
    ladder = plant.ladder()
    with running(ladder, plant) as batcher:
        assert backend(batcher) == "openvino"
        plant.mend("onnxruntime")
        until(lambda: ladder.figures.place == 1)
        assert backend(batcher) == "onnxruntime"
        assert [one.rung for one in ladder.situation.failures] == ["cuda"]


def test_none_of_many_photos_is_lost_on_the_way_down_and_up(plant: Plant) -> None:
    ladder = plant.ladder()
    with running(ladder, plant) as batcher:
        futures = []
        for number in range(120):
            if number == 40:
                plant.break_("cuda", "oom")
            if number == 80:
                plant.mend("cuda")
            futures.append(batcher.submit(photo()))
            time.sleep(0.01)
        seen = [future.result(SECONDS) for future in futures]
        until(lambda: ladder.figures.place == 0)
    assert {tuple(one.detections.class_ids) for one in seen} == {(0,)}
    assert {one.detector.backend for one in seen} >= {"cuda", "onnxruntime"}


def test_what_may_not_run_any_more_is_left_though_it_works(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(climber, "RECHECK_SECONDS", 0.1)
    ladder = plant.ladder("cuda", "openvino")
    revoked = threading.Event()

    def recheck(source: Version) -> None:
        assert isinstance(source, Version)
        if revoked.is_set() and ladder.figures.place == 0:
            raise KeyRevoked("key 1a2b was revoked")

    monkeypatch.setattr(ladder.workshop, "recheck", recheck)
    with running(ladder, plant) as batcher:
        assert backend(batcher) == "cuda"
        plant.break_("cuda", "load")  # so that it is not climbed to again
        revoked.set()
        until(lambda: ladder.figures.place == 1)
        assert backend(batcher) == "openvino"
    assert ladder.figures.hops == {("cuda", "SIG"): 1}


def test_a_rung_that_begins_to_see_wrong_is_left_though_it_answers(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(climber, "RECHECK_SECONDS", 0.1)
    ladder = plant.ladder("cuda", "openvino")
    with running(ladder, plant) as batcher:
        assert backend(batcher) == "cuda"
        plant.break_("cuda", "wrong")
        until(lambda: ladder.figures.place == 1)
        (failure,) = ladder.situation.failures
        assert backend(batcher) == "openvino"
        plant.mend("cuda")
        until(lambda: ladder.figures.place == 0)
        assert backend(batcher) == "cuda"
    about = (failure.reason, failure.stage, failure.code)
    assert about == ("WARMUP", "traffic", "golden_mismatch")
    assert re.search(r"it was last right at 20\d\d-[-0-9]+T[:0-9]+Z$", failure.message)
    assert ladder.figures.hops == {("cuda", "WARMUP"): 1}


def test_the_last_rung_is_brought_up_anew_when_it_begins_to_see_wrong(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(climber, "RECHECK_SECONDS", 0.1)
    ladder = plant.ladder("openvino")
    with running(ladder, plant) as batcher:
        plant.break_("openvino", "worn")
        until(lambda: ladder.figures.hops["openvino", "WARMUP"] == 1)
        assert batcher.submit(photo()).result(SECONDS).detections.class_ids == [0]
        assert not ladder.situation.degraded
    (line,) = [text for text in caplog.messages if text.startswith("ladder.hop")]
    assert '"left": "openvino", "to": "openvino"' in line


def test_photos_wait_rather_than_be_seen_wrong(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(climber, "RECHECK_SECONDS", 0.1)
    ladder = plant.ladder("openvino")
    with running(ladder, plant) as batcher:
        plant.break_("openvino", "wrong")
        until(lambda: ladder.figures.place == -1)
        with pytest.raises(NoRung, match="WARMUP"):
            backend(batcher)
        plant.mend("openvino")
        until(lambda: ladder.figures.place == 0)
        assert backend(batcher) == "openvino"


def test_proving_costs_one_look_a_period(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(climber, "RECHECK_SECONDS", 0.2)
    ladder = plant.ladder("openvino")
    with running(ladder, plant) as batcher:
        looks: list[float] = []
        check = ladder.workshop.check

        def count(detector: Detector) -> None:
            looks.append(time.monotonic())
            check(detector)

        monkeypatch.setattr(ladder.workshop, "check", count)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            backend(batcher)
    assert len(looks) >= 2
    assert all(later - one >= 0.19 for one, later in pairwise(looks))


def test_while_a_better_rung_rests_for_long_what_runs_is_still_looked_at(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "PAUSES", (600.0,))
    monkeypatch.setattr(climber, "RECHECK_SECONDS", 0.1)
    plant.break_("cuda", "load")
    ladder = plant.ladder("cuda", "onnxruntime", "openvino")
    with running(ladder, plant) as batcher:
        assert backend(batcher) == "onnxruntime"
        plant.break_("onnxruntime", "wrong")
        until(lambda: ladder.figures.place == 2)
        assert backend(batcher) == "openvino"
