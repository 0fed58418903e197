"""Down and up again between real backends, one of which is made to fail."""

from __future__ import annotations

import itertools
import logging

import numpy as np
import pytest

from inference_worker.engine.errors import InferenceFailed
from inference_worker.ladder.errors import NoRung
from inference_worker.ladder.ladder import Ladder
from tests.engine.toy import board, paint
from tests.ladder import shaky
from tests.ladder.conftest import NAMES, Plant

BROKEN_AT_START = {
    "load": ("LOAD", "load"),
    "warm-up": ("WARMUP", "warm-up"),
    "wrong": ("WARMUP", "warm-up"),
    "nan": ("WARMUP", "warm-up"),
    "oom": ("OOM", "warm-up"),
    "bug": ("WARMUP", "warm-up"),
}
BROKEN_IN_TRAFFIC = {
    "oom": "OOM",
    "error": "RUNTIME",
    "nan": "RUNTIME",
    "bug": "RUNTIME",
}


def photo() -> np.ndarray:
    image = board(320, 320)
    paint(image, 0, 64, 96)
    return image


def looks_with(ladder: Ladder) -> str:
    """The backend that looked, and it saw what is there."""
    looked = ladder.infer([photo(), photo()])
    assert [found.class_ids.tolist() for found in looked.found] == [[0], [0]]
    return looked.detector.backend


def hop_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in caplog.messages if line.startswith("ladder.hop")]


def test_the_best_rung_is_taken_and_nobody_is_told_of_trouble(plant: Plant) -> None:
    ladder = plant.ladder()
    ladder.start()
    assert looks_with(ladder) == "cuda"
    assert not ladder.situation.degraded
    assert (ladder.figures.place, dict(ladder.figures.hops)) == (0, {})
    assert len(plant.told) == 1


@pytest.mark.parametrize(
    ("name", "how"), list(itertools.product(NAMES[:2], BROKEN_AT_START))
)
def test_a_rung_that_does_not_come_up_is_passed_over(
    plant: Plant, name: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    plant.break_(name, how)
    names = NAMES[NAMES.index(name) :]
    ladder = plant.ladder(*names)
    ladder.start()
    assert looks_with(ladder) == names[1]
    (failure,) = ladder.situation.failures
    assert (failure.rung, failure.reason, failure.stage) == (
        name,
        *BROKEN_AT_START[how],
    )
    assert ladder.figures.hops == {(name, failure.reason): 1}
    (line,) = hop_lines(caplog)
    assert f'"reason": "{failure.reason}"' in line
    assert [situation.failures for situation in plant.told] == [(failure,)]


@pytest.mark.parametrize(
    ("name", "how"), list(itertools.product(NAMES[:2], BROKEN_IN_TRAFFIC))
)
def test_the_batch_that_a_rung_fails_on_is_seen_by_the_next(
    plant: Plant, name: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    names = NAMES[NAMES.index(name) :]
    ladder = plant.ladder(*names)
    ladder.start()
    assert looks_with(ladder) == name
    plant.break_(name, how)
    assert looks_with(ladder) == names[1]
    (failure,) = ladder.situation.failures
    assert (failure.reason, failure.stage) == (BROKEN_IN_TRAFFIC[how], "traffic")
    assert len(hop_lines(caplog)) == 1
    assert [situation.degraded for situation in plant.told] == [False, True]


@pytest.mark.parametrize("how", BROKEN_IN_TRAFFIC)
def test_the_last_rung_refuses_and_says_why(
    plant: Plant, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ladder = plant.ladder("openvino")
    ladder.start()
    plant.break_("openvino", how)
    for _ in range(2):
        with pytest.raises(NoRung, match=f"openvino: {BROKEN_IN_TRAFFIC[how]}"):
            ladder.infer([photo()])
    assert ladder.situation.footing is None
    assert ladder.figures.place == -1
    assert len(hop_lines(caplog)) == 1
    assert [situation.degraded for situation in plant.told] == [False, True]


def test_two_rungs_that_fail_on_one_batch_are_both_left(plant: Plant) -> None:
    ladder = plant.ladder()
    ladder.start()
    plant.break_("cuda", "oom")
    plant.break_("onnxruntime", "load")
    assert looks_with(ladder) == "openvino"
    reasons = [(one.rung, one.reason) for one in ladder.situation.failures]
    assert reasons == [("cuda", "OOM"), ("onnxruntime", "LOAD")]


def test_images_that_nothing_stands_are_to_blame_and_not_the_rung(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = shaky.Shaky.forward

    def choke(self: shaky.Shaky, pixels: np.ndarray) -> np.ndarray:
        if (pixels == 7).all(axis=(1, 2, 3)).any():
            raise InferenceFailed("choked")
        return forward(self, pixels)

    monkeypatch.setattr(shaky.Shaky, "forward", choke)
    ladder = plant.ladder()
    ladder.start()
    with pytest.raises(InferenceFailed, match="choked"):
        ladder.infer([np.full((320, 320, 3), 7, np.uint8)])
    assert looks_with(ladder) == "cuda"
    assert not ladder.situation.degraded
    assert len(plant.told) == 1


def test_what_is_left_is_closed(plant: Plant) -> None:
    ladder = plant.ladder()
    ladder.start()
    before = shaky.Cuda.closed
    for how in ("oom", "error"):
        plant.break_("cuda", how)
        looks_with(ladder)
    assert shaky.Cuda.closed == before + 1


def test_a_lost_card_takes_the_process_and_the_next_begins_below(plant: Plant) -> None:
    ladder = plant.ladder()
    ladder.start()
    plant.break_("cuda", "lost")
    with pytest.raises(SystemExit):
        ladder.infer([photo()])
    assert plant.left == [70]
    plant.mend("cuda")
    after = plant.ladder()
    after.start()
    assert looks_with(after) == "onnxruntime"
    (failure,) = after.situation.failures
    assert (failure.rung, failure.reason, failure.code) == (
        "cuda",
        "RUNTIME",
        "device_lost",
    )


def test_a_rung_that_hung_is_not_climbed_at_once(plant: Plant) -> None:
    ladder = plant.ladder()
    ladder.start()
    with ladder.steps.within("cuda", "traffic"):
        ladder.hung()
    after = plant.ladder()
    after.start()
    assert looks_with(after) == "onnxruntime"
    assert after.situation.failures[0].code == "hung"


def test_a_rung_whose_bringing_up_ends_processes_is_left_alone(plant: Plant) -> None:
    for _ in range(2):
        plant.ladder().record.begin("cuda")  # and here the process dies
    ladder = plant.ladder()
    ladder.start()
    assert looks_with(ladder) == "onnxruntime"
    assert ladder.situation.failures[0].code == "trial_died"


def test_one_death_while_coming_up_may_have_been_anybodys(plant: Plant) -> None:
    plant.ladder().record.begin("cuda")
    ladder = plant.ladder()
    ladder.start()
    assert looks_with(ladder) == "cuda"


def test_when_all_rest_the_best_that_comes_up_is_taken(plant: Plant) -> None:
    for name in NAMES:
        plant.break_(name, "load")
    with pytest.raises(NoRung):
        plant.ladder().start()
    for name in NAMES:
        plant.mend(name)
    ladder = plant.ladder()
    ladder.start()
    assert looks_with(ladder) == "cuda"
    assert not ladder.situation.degraded


def test_a_rung_that_nobody_asked_for_and_is_not_here_is_no_hop(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ladder = plant.ladder("not-built", "openvino", required=False)
    ladder.start()
    assert looks_with(ladder) == "openvino"
    assert not ladder.situation.degraded
    assert ladder.figures.place == 0
    assert not hop_lines(caplog)


def test_one_that_was_asked_for_by_name_is(plant: Plant) -> None:
    ladder = plant.ladder("not-built", "openvino")
    ladder.start()
    assert ladder.situation.failures[0].reason == "ENV"


def test_what_failed_below_is_tried_anew_once_it_is_needed(plant: Plant) -> None:
    for name in NAMES[:2]:
        plant.break_(name, "load")
    ladder = plant.ladder()
    ladder.start()
    for name in NAMES[:2]:
        plant.mend(name)
    ladder.take(ladder.bring_up(ladder.rungs[0]))
    plant.break_("cuda", "oom")
    assert looks_with(ladder) == "onnxruntime"
    assert [one.rung for one in ladder.situation.failures] == ["cuda"]
