"""What a worker stands on first, and what it tries then, in which order."""

from __future__ import annotations

import logging
import time

import pytest

from inference_worker.ladder import raising, record, rungs
from inference_worker.ladder.errors import NoRung
from inference_worker.ladder.reasons import Fallen, Reason, Stage
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.workshop import Workshop
from tests.ladder.conftest import NAMES, Plant
from tests.ladder.starting import failed_before, lines, stands_on, started, tries_of
from tests.ladder.test_climbing import backend, until


@pytest.fixture(autouse=True)
def who_fails_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PAUSES", (600.0, 600.0, 600.0))


@pytest.fixture
def two_on_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the three rungs all but the last."""
    monkeypatch.setattr(rungs, "ON_CARD", NAMES[:2])


@pytest.mark.usefixtures("two_on_card")
def test_better_ones_are_tried_the_best_first_until_one_holds(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.break_("cuda", "load")
    ladder = plant.ladder()
    tried = tries_of(ladder, monkeypatch)
    with started(ladder) as batcher:
        until(lambda: stands_on(ladder) == "onnxruntime")
        assert backend(batcher) == "onnxruntime"
    assert tried == ["cuda", "onnxruntime"]
    assert [one.rung for one in ladder.situation.failures] == ["cuda"]
    assert ladder.figures.hops == {("cuda", "LOAD"): 1}


@pytest.mark.usefixtures("two_on_card")
def test_when_all_better_ones_fail_each_is_told_and_photos_go_on(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    for name in NAMES[:2]:
        plant.break_(name, "load")
    ladder = plant.ladder()
    with started(ladder) as batcher:
        until(lambda: len(ladder.situation.failures) == 2)
        assert backend(batcher) == "openvino"
    assert ladder.figures.hops == {(name, "LOAD"): 1 for name in NAMES[:2]}
    assert sum("ladder.hop" in text for text in caplog.messages) == 2


@pytest.mark.usefixtures("two_on_card")
def test_what_failed_before_rests_and_is_known_from_the_start(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = failed_before(plant, "cuda")
    ladder = plant.ladder()
    tried = tries_of(ladder, monkeypatch)
    with started(ladder) as batcher:
        until(lambda: stands_on(ladder) == "onnxruntime")
        assert backend(batcher) == "onnxruntime"
    assert tried == ["onnxruntime"]
    assert {one.failures for one in plant.told} == {(known,)}
    assert ladder.figures.hops == {}


@pytest.mark.usefixtures("two_on_card")
def test_what_failed_before_and_is_due_again_does_not_keep_others_waiting(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "PAUSES", (0.0, 0.0, 0.0))
    failed_before(plant, "cuda")
    plant.break_("cuda", "stuck")
    ladder = plant.ladder()
    tried = tries_of(ladder, monkeypatch)
    with started(ladder) as batcher:
        until(lambda: tried == ["onnxruntime", "cuda"])
        assert backend(batcher) == "onnxruntime"
        plant.mend("cuda")
        until(lambda: stands_on(ladder) == "cuda")


def test_on_a_cpu_alone_a_start_is_as_it_was(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ladder = plant.ladder("onnxruntime", "openvino")
    tried = tries_of(ladder, monkeypatch)
    with started(ladder) as batcher:
        assert backend(batcher) == "onnxruntime"
        time.sleep(0.3)
    assert (tried, len(plant.told), lines(caplog)) == ([], 1, [])


@pytest.mark.usefixtures("two_on_card")
def test_with_card_rungs_alone_the_best_is_waited_for(plant: Plant) -> None:
    ladder = plant.ladder(*NAMES[:2])
    ladder.start_soon()
    assert (stands_on(ladder), ladder.untried) == ("cuda", [])
    ladder.close()


def test_when_nothing_holds_without_a_card_the_best_is_waited_for(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    plant.break_("openvino", "load")
    ladder = plant.ladder("cuda", "openvino")
    ladder.start_soon()
    assert stands_on(ladder) == "cuda"
    assert not ladder.situation.degraded
    assert "nothing holds without a card" in caplog.text
    ladder.close()


def test_when_nothing_holds_at_all_it_says_why_and_then_begins_with_the_best(
    plant: Plant,
) -> None:
    for name in ("cuda", "openvino"):
        plant.break_(name, "load")
    with pytest.raises(NoRung, match=r"(?s)cuda: LOAD .*openvino: LOAD "):
        plant.ladder("cuda", "openvino").start_soon()
    for name in ("cuda", "openvino"):
        plant.mend(name)
    ladder = plant.ladder("cuda", "openvino")
    ladder.start_soon()
    assert stands_on(ladder) == "cuda"
    ladder.close()


def test_what_is_not_on_this_machine_is_left_out_without_a_word(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As the process that tried it apart tells it: in words."""

    def try_apart(rung: Rung, workshop: Workshop) -> None:
        if rung.backend == "tensorrt":
            raise Fallen(Stage.LOAD, Reason.ENV, "backend_unavailable", "not installed")

    monkeypatch.setattr(raising, "try_apart", try_apart)
    names = ("tensorrt", "tensorrt-previous", "cuda", "openvino")
    ladder = plant.ladder(*names, required=False)
    with started(ladder) as batcher:
        until(lambda: stands_on(ladder) == "cuda")
        assert backend(batcher) == "cuda"
    assert [one.name for one in ladder.rungs] == ["cuda", "openvino"]
    assert (ladder.figures.place, ladder.figures.hops) == (0, {})
    assert not any(one.degraded for one in plant.told)
    assert "ladder.hop" not in caplog.text
