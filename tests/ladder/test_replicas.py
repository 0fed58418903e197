"""A second one of a small model on a card: it shares full batches with the first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from inference_worker import memory
from inference_worker.batcher import Batcher
from inference_worker.engine.api import Detector
from inference_worker.engine.errors import InferenceFailed
from inference_worker.ladder import raising, workshop
from inference_worker.ladder.climber import Climber
from inference_worker.ladder.ladder import Ladder
from inference_worker.ladder.record import DEATHS
from inference_worker.ladder.replicas import Replicated, each_of
from inference_worker.ladder.upkeep import Upkeep, replica_of
from inference_worker.memory import Card, Room
from tests.engine.toy import board, paint
from tests.ladder import shaky
from tests.ladder.conftest import Plant
from tests.ladder.test_climbing import until

GB = 2**30
USUAL = workshop.REPLICATED


@pytest.fixture(autouse=True)
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.os, "sched_getaffinity", lambda _: set(range(16)))


@pytest.fixture(autouse=True)
def cuda_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part of TensorRT is played by the rung that these tests can break."""
    monkeypatch.setattr(workshop, "REPLICATED", ("cuda",))


@pytest.fixture(autouse=True)
def tried_elsewhere(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial in this process would count as a model on the card."""
    monkeypatch.setattr(raising, "try_apart", lambda rung, workshop: None)


def ladder_on_card(plant: Plant, taken: int = 1, **about: int) -> Ladder:
    """On a card of 80 GB, of which loading the model takes so many."""
    ladder = plant.ladder()
    left = [60, *[60 - taken] * 9]

    def read() -> Card:
        return Card("H100", 80 * GB, left.pop(0) * GB, **about)

    ladder.workshop.room = Room(read)
    return ladder


@contextmanager
def grown(plant: Plant) -> Iterator[tuple[Ladder, Upkeep]]:
    ladder = ladder_on_card(plant)
    ladder.start()
    upkeep = Upkeep(ladder)
    while errand := upkeep.replica():
        errand()
    yield ladder, upkeep
    ladder.close()


def photos(count: int) -> list[np.ndarray]:
    """Each with its square elsewhere."""
    found = []
    for place in range(count):
        image = board(320, 320)
        paint(image, place % 3, 32 * (place % 8), 96)
        found.append(image)
    return found


def size(ladder: Ladder) -> int:
    assert ladder.standing is not None
    return len(each_of(ladder.standing.detector))


def test_there_are_two_and_a_place_is_left_for_a_better_rung(plant: Plant) -> None:
    with grown(plant) as (ladder, upkeep):
        assert size(ladder) == 2
        assert upkeep.replica() is None


def test_a_full_batch_is_shared_and_comes_back_in_order(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, int] = {}
    forward = shaky.Shaky.forward

    def count(self: shaky.Shaky, pixels: np.ndarray) -> np.ndarray:
        name = threading.current_thread().name.partition("_")[0]
        threads[name] = threads.get(name, 0) + len(pixels)
        return forward(self, pixels)

    with grown(plant) as (ladder, _):
        monkeypatch.setattr(shaky.Shaky, "forward", count)
        seen = ladder.infer(photos(8))
        lefts = [float(one.boxes[0, 0]) for one in seen.found]
        assert lefts == [32.0 * place for place in range(8)]
        assert [int(one.class_ids[0]) for one in seen.found] == [0, 1, 2, 0, 1, 2, 0, 1]
        assert threads == {"MainThread": 4, "replica": 4}
        threads.clear()
        ladder.infer(photos(7))  # too few to share
        assert threads == {"MainThread": 7}


@pytest.mark.parametrize("images", [0, 1, 2, 7, 8, 9, 11, 31, 32])
def test_any_number_of_photos_is_seen_as_by_one(plant: Plant, images: int) -> None:
    with grown(plant) as (ladder, _):
        assert ladder.standing is not None
        one, other = each_of(ladder.standing.detector)
        alone = one.infer(photos(images))
        found = Replicated(one.runner, (other, other)).infer(photos(images))
        assert [f.boxes.tolist() for f in found] == [f.boxes.tolist() for f in alone]


def test_when_one_of_them_fails_the_batch_goes_to_the_next_rung(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = shaky.Cuda.forward

    def choke(self: shaky.Cuda, pixels: np.ndarray) -> np.ndarray:
        if threading.current_thread().name.startswith("replica"):
            raise InferenceFailed("the device gave nothing")
        return forward(self, pixels)

    with grown(plant) as (ladder, _):
        monkeypatch.setattr(shaky.Cuda, "forward", choke)
        closed = shaky.Cuda.closed
        seen = ladder.infer(photos(8))
        assert seen.detector.backend == "onnxruntime"
        assert len(seen.found) == 8
        assert shaky.Cuda.closed == closed + 2
        assert ladder.figures.hops == {("cuda", "RUNTIME"): 1}


def test_each_of_them_is_looked_at_again(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with grown(plant) as (ladder, upkeep):
        assert ladder.standing is not None
        _, other = each_of(ladder.standing.detector)
        right = other.runner.forward
        wrong = lambda pixels: right(pixels)[..., [0, 1, 2, 3, 5, 4, 6]]  # noqa: E731
        monkeypatch.setattr(other.runner, "forward", wrong)
        errand = upkeep.check()
        assert errand is not None
        errand()
        assert ladder.figures.hops == {("cuda", "WARMUP"): 1}


def test_one_that_comes_too_late_is_closed(plant: Plant) -> None:
    ladder = ladder_on_card(plant)
    ladder.start()
    errand = Upkeep(ladder).replica()
    assert errand is not None
    plant.break_("cuda", "error")
    ladder.infer(photos(1))
    closed = shaky.Cuda.closed
    errand()
    assert shaky.Cuda.closed == closed + 1
    assert size(ladder) == 1


@pytest.mark.parametrize(
    ("taken", "others", "order"), [(20, 0, ""), (1, 1, ""), (1, 0, "load")]
)
def test_where_it_does_not_pay_or_come_up_nothing_happens_and_nobody_is_told(
    plant: Plant, taken: int, others: int, order: str
) -> None:
    ladder = ladder_on_card(plant, taken, others=others)
    ladder.start()
    if order:
        plant.break_("cuda", order)
    upkeep = Upkeep(ladder)
    assert upkeep.replica() is None
    if order:
        plant.mend("cuda")
    assert upkeep.replica() is None  # it is not tried again and again
    assert size(ladder) == 1
    assert not ladder.situation.degraded


def test_where_it_took_processes_along_the_first_goes_on_alone(plant: Plant) -> None:
    """Until one has ended in order."""
    for deaths in range(DEATHS + 2):
        ladder = ladder_on_card(plant)
        ladder.start()
        assert ladder.standing is not None
        name = replica_of(ladder.standing)
        if deaths < DEATHS:
            ladder.record.begin(name)  # and no end: it is killed
        else:
            assert Upkeep(ladder).replica() is None
            assert ladder.standing.alone
            assert not ladder.situation.degraded
        ladder.close()
    ladder.record.end_all()
    ladder = ladder_on_card(plant)
    ladder.start()
    errand = Upkeep(ladder).replica()
    assert errand is not None
    errand()
    assert size(ladder) == 2
    assert ladder.record.begin(name) == 0
    ladder.close()


def test_onnx_runtime_on_the_card_is_there_once(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop, "REPLICATED", USUAL)
    ladder = ladder_on_card(plant)
    ladder.start()
    assert ladder.situation.footing.rung == "cuda"
    assert Upkeep(ladder).replica() is None


def test_on_the_cpu_there_is_one(plant: Plant) -> None:
    ladder = plant.ladder("openvino")
    ladder.start()
    assert Upkeep(ladder).replica() is None
    assert isinstance(ladder.standing.detector, Detector)


def test_it_comes_by_itself_while_photos_are_looked_at(plant: Plant) -> None:
    ladder = ladder_on_card(plant)
    ladder.start()
    batcher = Batcher(ladder)
    climbing = Climber(ladder, batcher.thread.between)
    until(lambda: size(ladder) == 2)
    futures = [batcher.submit(photo) for photo in photos(20)]
    lefts = [float(one.result(20).detections.boxes[0, 0]) for one in futures]
    assert lefts == [32.0 * (place % 8) for place in range(20)]
    climbing.close()
    batcher.close()
