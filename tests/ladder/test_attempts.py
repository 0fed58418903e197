"""A device that hangs while it is tried again stops nothing, is told, and is one."""

from __future__ import annotations

import threading
import time

import pytest

from inference_worker import memory
from inference_worker.ladder import attempts, climber, raising, record, workshop
from inference_worker.ladder.attempts import Attempts
from inference_worker.ladder.reasons import Fallen
from inference_worker.ladder.upkeep import Upkeep
from tests.ladder import shaky
from tests.ladder.conftest import Plant
from tests.ladder.test_climbing import backend, running, until
from tests.ladder.test_replicas import ladder_on_card, size


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PAUSES", (0.1, 0.1, 0.1))
    monkeypatch.setattr(attempts, "HUNG_SECONDS", 0.3)
    monkeypatch.setattr(attempts, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(climber, "RECHECK_SECONDS", 0.2)


def threads() -> int:
    return sum(one.name.startswith("attempt ") for one in threading.enumerate())


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is well comes up, however slow this machine is now."""
    monkeypatch.setattr(attempts, "HUNG_SECONDS", 600)


def test_a_rung_that_hangs_beside_the_traffic_is_told_and_left_behind(
    plant: Plant, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.break_("cuda", "load")
    ladder = plant.ladder()
    with running(ladder, plant) as batcher:
        plant.break_("cuda", "stuck")
        until(lambda: ladder.situation.failures[0].code == "hung")
        assert backend(batcher) == "onnxruntime"
        until(lambda: plant.told[-1] == ladder.situation)
        tried = ladder.figures.retries["cuda"]
        time.sleep(1)  # it would have been due many times
        assert (ladder.figures.retries["cuda"], threads()) == (tried, 1)
        closed = shaky.Cuda.closed
        patient(monkeypatch)
        plant.mend("cuda")
        until(lambda: ladder.figures.place == 0)
        assert backend(batcher) == "cuda"
        assert shaky.Cuda.closed >= closed + 1
    assert [one.degraded for one in plant.told] == [True, True, False]
    assert threads() == 0
    assert "cuda has hung for" in caplog.text
    assert "cuda came back after" in caplog.text


def test_others_are_climbed_to_while_one_hangs(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cuda", "onnxruntime"):
        plant.break_(name, "load")
    ladder = plant.ladder()
    with running(ladder, plant) as batcher:
        plant.break_("cuda", "stuck")
        until(lambda: ladder.situation.failures[0].code == "hung")
        patient(monkeypatch)
        plant.mend("onnxruntime")
        until(lambda: ladder.figures.place == 1)
        assert backend(batcher) == "onnxruntime"
        plant.mend("cuda")


def test_what_runs_is_looked_at_while_a_better_rung_is_brought_up(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient(monkeypatch)
    plant.break_("cuda", "load")
    ladder = plant.ladder()
    with running(ladder, plant) as batcher:
        plant.break_("cuda", "stuck")
        until(lambda: threads() == 1)
        plant.break_("onnxruntime", "wrong")
        until(lambda: ladder.figures.place == 2)
        assert backend(batcher) == "openvino"
        plant.mend("cuda")


def test_a_second_engine_that_hangs_is_left_and_not_tried_again(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory.os, "sched_getaffinity", lambda _: set(range(16)))
    monkeypatch.setattr(workshop, "REPLICATED", ("cuda",))
    monkeypatch.setattr(raising, "try_apart", lambda rung, workshop: None)
    ladder = ladder_on_card(plant)
    ladder.start()
    plant.break_("cuda", "stuck")
    upkeep = Upkeep(ladder)
    assert upkeep.replica() is None
    assert upkeep.replica() is None
    assert (size(ladder), threads()) == (1, 1)
    closed = shaky.Cuda.closed
    plant.mend("cuda")
    until(lambda: threads() == 0)
    assert shaky.Cuda.closed == closed + 1
    ladder.close()


def test_what_was_raised_is_raised_and_what_comes_in_time_is_kept() -> None:
    dropped: list[int] = []
    made = Attempts()
    assert made.make("a", lambda: 1, dropped.append) == 1
    with pytest.raises(ZeroDivisionError):
        made.make("a", lambda: 1 // 0, dropped.append)
    assert not dropped


def test_of_a_name_that_hangs_no_second_one_begins() -> None:
    go, begun, dropped = threading.Event(), list[int](), list[int]()

    def hang() -> int:
        begun.append(1)
        go.wait(20)
        return 7

    made = Attempts()
    for _ in range(2):
        with pytest.raises(Fallen, match="did not come back"):
            made.make("a", hang, dropped.append)
    assert (len(begun), made.hangs("a"), made.hangs("b")) == (1, True, False)
    go.set()
    until(lambda: not made.hangs("a"))
    assert dropped == [7]
    assert made.make("a", hang, dropped.append) == 7
