"""The pieces of the ladder by themselves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from inference_worker.engine import errors
from inference_worker.engine.errors import EngineError
from inference_worker.engine.store import open_latest
from inference_worker.engine.types import Detections
from inference_worker.ladder import numbers, record, reference
from inference_worker.ladder.errors import TriedToDeath, WrongNumbers
from inference_worker.ladder.reasons import Failure, Fallen, Reason, Stage, reason_of
from inference_worker.ladder.record import Record
from inference_worker.ladder.reference import reference_of
from inference_worker.ladder.rungs import rungs_of
from inference_worker.memory import NoRoom

BOXES = Detections.of(
    [[10, 10, 50, 50], [100, 100, 160, 140], [300, 40, 340, 90]],
    [0.9, 0.8, 0.6],
    [0, 1, 2],
)
SIG, ENV, LOAD, OOM = Reason.SIG, Reason.ENV, Reason.LOAD, Reason.OOM
REASONS = {
    "EngineConflict": SIG,
    "FileAltered": SIG,
    "SignatureMissing": SIG,
    "SignatureWrong": SIG,
    "KeyUnknown": SIG,
    "KeyRingError": SIG,
    "ManifestError": SIG,
    "EngineMissing": LOAD,
    "EngineExpired": SIG,
    "KeyRevoked": SIG,
    "RolledBack": SIG,
    "OtherGpu": ENV,
    "OtherTensorRT": ENV,
    "OtherCuda": ENV,
    "DriverTooOld": ENV,
    "BackendUnknown": ENV,
    "BackendUnavailable": ENV,
    "PrecisionUnknown": ENV,
    "PackageMissing": ENV,
    "OutOfDeviceMemory": OOM,
}


@pytest.mark.parametrize("name", sorted(REASONS))
def test_a_class_of_errors_has_its_reason_wherever_it_happens(name: str) -> None:
    error = getattr(errors, name)("any words")
    assert {reason_of(error, stage) for stage in Stage} == {REASONS[name]}


def test_other_errors_have_the_reason_of_their_stage() -> None:
    for error in (errors.InferenceFailed("x"), errors.DeviceLost("x"), OSError("x")):
        reasons = [reason_of(error, stage) for stage in Stage]
        assert reasons == [Reason.LOAD, Reason.WARMUP, Reason.RUNTIME]
    assert reason_of(NoRoom("x"), Stage.LOAD) == OOM
    assert reason_of(WrongNumbers("x"), Stage.TRAFFIC) == Reason.WARMUP
    assert reason_of(TriedToDeath("x"), Stage.LOAD) == LOAD


def test_no_error_of_the_store_passes_for_a_failure_of_the_runtime() -> None:
    waiting: list[type[EngineError]] = [errors.StoreError, errors.ManifestError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        assert reason_of(kind("x"), Stage.TRAFFIC) is not Reason.RUNTIME, kind


def names(*asked: str, cards: int = 0) -> list[str]:
    return [rung.name for rung in rungs_of(asked, cards=cards)]


def test_without_a_card_the_cpu_is_all_there_is() -> None:
    assert names("auto") == ["openvino"]
    assert rungs_of(["auto"], cards=0)[0].required


def test_with_a_card_the_cpu_comes_last() -> None:
    assert names("auto", cards=1) == [
        "tensorrt",
        "tensorrt-previous",
        "cuda",
        "openvino",
    ]
    assert [rung.required for rung in rungs_of(["auto"], cards=1)] == [False] * 3 + [
        True
    ]


def test_what_is_asked_for_by_name_is_taken_in_that_order() -> None:
    assert names("cuda", "onnxruntime", cards=1) == ["cuda", "onnxruntime"]


def shifted(by: float, score: float = 0.0) -> Detections:
    return Detections(
        BOXES.boxes + np.float32(by), BOXES.scores - score, BOXES.class_ids
    )


def test_the_same_boxes_are_right() -> None:
    for precision in ("f32", "bf16", "int8", "unheard-of"):
        numbers.check(BOXES, BOXES, precision)
        numbers.check(BOXES, shifted(0.3, 0.02), precision)


def test_coarser_numbers_may_differ_more() -> None:
    moved = shifted(2.5, 0.15)
    numbers.check(BOXES, moved, "int8")
    for precision in ("f32", "bf16", "f16"):
        with pytest.raises(WrongNumbers, match="agree"):
            numbers.check(BOXES, moved, precision)


@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_nothing_found_something_else_found_and_more_found_are_wrong(
    precision: str,
) -> None:
    other = Detections(BOXES.boxes, BOXES.scores, np.array([1, 1, 2]))
    more = Detections.of(
        [*BOXES.boxes, [400, 400, 440, 440], [500, 500, 540, 540]],
        [*BOXES.scores, 0.9, 0.9],
        [*BOXES.class_ids, 0, 0],
    )
    for found in (Detections.empty(), other, more):
        with pytest.raises(WrongNumbers):
            numbers.check(BOXES, found, precision)


def failure(rung: str = "cuda") -> Failure:
    return Failure(rung, Reason.OOM, Stage.TRAFFIC, "out_of_device_memory", "full", 1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "ladder.json"


def test_pauses_grow_to_fifteen_minutes(path: Path) -> None:
    known = Record(path, clock=lambda: 1000.0)
    left = []
    for _ in range(4):
        known.failed(failure())
        left.append(known.seconds_left("cuda"))
    assert left == [60, 300, 900, 900]
    assert not known.rests("openvino")


def test_who_fails_soon_after_a_climb_waits_longer_who_held_for_long_does_not(
    path: Path,
) -> None:
    now = [1000.0]
    known = Record(path, clock=lambda: now[0])
    for wait, expected in ((0, 60), (600, 300), (1000, 60)):
        known.holds("cuda", "toy@1")
        now[0] += wait
        known.failed(failure())
        assert known.seconds_left("cuda") == expected


def test_the_next_process_knows_what_failed(path: Path) -> None:
    Record(path, clock=lambda: 1000.0).failed(failure())
    after = Record(path, clock=lambda: 1030.0)
    assert after.failure("cuda") == failure()
    assert after.seconds_left("cuda") == 30


def test_a_clock_that_was_set_back_costs_fifteen_minutes_at_most(path: Path) -> None:
    Record(path, clock=lambda: 1_000_000.0).failed(failure())
    assert Record(path, clock=lambda: 0.0).seconds_left("cuda") == record.PAUSES[-1]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cuda": {"failures": "x"}}', "7"])
def test_a_damaged_file_means_that_nothing_is_known(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    known = Record(path)
    assert not known.rests("cuda")
    known.failed(failure())
    assert json.loads(path.read_text())["cuda"]["failures"] == 1


def test_a_rung_is_good_until_it_fails_or_is_another(path: Path) -> None:
    known = Record(path)
    known.holds("cuda", "toy@1")
    assert known.is_good("cuda", "toy@1")
    assert not known.is_good("cuda", "toy@2")
    known.failed(failure())
    assert not known.is_good("cuda", "toy@1")


def test_a_failure_says_where_and_by_which_code() -> None:
    fallen = Fallen.of(errors.DeviceLost("gone"), Stage.TRAFFIC)
    told = fallen.failure("cuda", 5.0)
    assert (told.rung, told.code, told.message) == ("cuda", "device_lost", "gone")
    assert fallen.lost


# What the CPU saw


def test_the_reference_is_made_once_and_found_again(
    toy_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = open_latest(toy_data, "toy")
    made = reference_of(version, toy_data)
    assert made.picture.name == "squares"
    assert made.expected is not None
    assert sorted(made.expected.class_ids) == [0, 2, 2, 2]
    monkeypatch.setattr(reference, "_make", None)
    again = reference_of(version, toy_data)
    assert np.array_equal(again.picture.image, made.picture.image)
    assert np.allclose(again.expected.boxes, made.expected.boxes, atol=0.01)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-9],
        lambda content: content.replace(b'"scores_ppm":[1', b'"scores_ppm":[3', 1),
        lambda content: b"{}\nhmac-sha256 00000000 " + b"0" * 64 + b"\n",
        lambda content: b"",
    ],
)
def test_a_reference_that_the_site_did_not_seal_is_made_again(
    toy_data: Path, damage
) -> None:
    version = open_latest(toy_data, "toy")
    reference_of(version, toy_data)
    (path,) = (toy_data / "references").iterdir()
    good = path.read_bytes()
    path.write_bytes(damage(good))
    assert path.read_bytes() != good
    made = reference_of(version, toy_data)
    assert len(made.expected) == 4
    assert path.read_bytes() == good


def test_a_try_in_vain_waits_longer_and_does_not_change_why(path: Path) -> None:
    known = Record(path, clock=lambda: 1000.0)
    known.failed(failure())
    later = Failure("cuda", Reason.LOAD, Stage.LOAD, "load_failed", "no", 2.0)
    known.failed(later, again=True)
    assert known.failure("cuda") == failure()
    assert known.seconds_left("cuda") == 300
    known.failed(later)
    assert known.failure("cuda") == later


def test_a_process_that_ends_in_order_was_not_killed_by_a_rung(path: Path) -> None:
    for _ in range(3):
        known = Record(path)
        known.begin("cuda")
        known.end_all()
    assert Record(path).begin("cuda") == 0
