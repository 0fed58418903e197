"""Threshold and IoU: who chose them stands in the card, and importing keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx
import pytest

from inference_worker.engine.api import Detector, load_folder
from inference_worker.engine.coco import Sample
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.store import open_folder
from inference_worker.engine.types import Guesses
from inference_worker.importing import measuring
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.marks import marks_of
from inference_worker.importing.ours import Ours
from tests.importing import foreign
from tests.importing.foreign import NAMES, ULTRALYTICS, network
from tests.importing.imports import imported

END_TO_END = network(foreign.end_to_end(), metadata=ULTRALYTICS | {"end2end": "True"})
GIVEN = ",".join(NAMES)


def manifest(folder: Path) -> Manifest:
    return open_folder(folder).manifest


def again(folder: Path, once: Path, **wishes: object) -> Path:
    return imported(folder, (once / "model.onnx").read_bytes(), name="twice", **wishes)


@pytest.mark.parametrize(
    "wishes", [{}, {"threshold": 0.61}, {"threshold": 0.61, "nms_iou": 0.5}]
)
def test_what_was_imported_keeps_its_marks(
    tmp_path: Path, wishes: dict[str, float]
) -> None:
    first = manifest(once := imported(tmp_path, END_TO_END, **wishes))
    assert first.threshold == wishes.get("threshold", 0.25)
    assert first.nms_iou == wishes.get("nms_iou", 1.0)
    second = manifest(again(tmp_path, once))
    assert (second.threshold, second.nms_iou) == (first.threshold, first.nms_iou)


def test_it_is_measured_in_what_the_line_will_run(
    tmp_path: Path, coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    find = measuring.find_all

    def noted(detector: Detector, samples: Sequence[Sample]) -> Iterator[Guesses]:
        opened.append(detector.precision)
        return find(detector, samples)

    monkeypatch.setattr(measuring, "find_all", noted)
    folder = imported(tmp_path, END_TO_END, coco=coco)
    assert opened == [load_folder(folder).precision] == ["f32"]


def test_a_measured_threshold_is_kept_too(tmp_path: Path, coco: Path) -> None:
    model = network(foreign.yolov8(), metadata=ULTRALYTICS)
    once = imported(tmp_path, model, coco=coco)
    text = (once / "card.md").read_text()
    assert "chosen on labelled photos" in text
    assert "the one that F is best at" in text
    twice = again(tmp_path, once)
    assert manifest(twice).threshold == manifest(once).threshold
    assert "when it was imported before" in (twice / "card.md").read_text()


def test_marks_of_the_user_win_over_noted_ones(tmp_path: Path) -> None:
    twice = again(tmp_path, imported(tmp_path, END_TO_END), threshold=0.7, nms_iou=0.6)
    assert (manifest(twice).threshold, manifest(twice).nms_iou) == (0.7, 0.6)


def test_a_file_imported_before_marks_were_noted_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = onnx.load(imported(tmp_path, END_TO_END) / "model.onnx")
    kept = [one for one in model.metadata_props if one.key != "causeline_marks"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    imported(tmp_path, model.SerializeToString(), name="twice")
    assert "--iou (1 for" in caplog.text


@pytest.mark.parametrize(
    "note",
    [
        "[" * 9000,
        "{}",
        "[1]",
        json.dumps({"threshold_ppm": 0, "nms_iou_ppm": 1}),
        json.dumps({"threshold_ppm": 1, "nms_iou_ppm": 10**9}),
        json.dumps({"threshold_ppm": True, "nms_iou_ppm": 1}),
        json.dumps({"threshold_ppm": 0.5, "nms_iou_ppm": 1}),
    ],
)
def test_a_note_that_is_not_ours_is_refused(note: str) -> None:
    with pytest.raises(ImportRefused, match="causeline_marks"):
        marks_of(Ours(), {"causeline_marks": note})


@pytest.mark.parametrize("measured", [True, False])
def test_the_card_says_that_the_user_chose(
    tmp_path: Path, coco: Path, measured: bool
) -> None:
    model = network(foreign.yolov8(), metadata=ULTRALYTICS)
    wishes = {"coco": coco} if measured else {}
    folder = imported(tmp_path, model, threshold=0.3, nms_iou=0.6, **wishes)
    text = (folder / "card.md").read_text()
    assert "| a defect from score | 0.30: given with --threshold |" in text
    assert "IoU 0.60, class by class: given with --iou" in text
    assert "best at" not in text
    assert "the usual one of its family" not in text
    assert "given with --threshold" in text.split("## Figures")[1]


def test_the_card_says_that_the_family_chose(tmp_path: Path) -> None:
    model = network(foreign.yolov8(), metadata=ULTRALYTICS)
    text = (imported(tmp_path, model) / "card.md").read_text()
    assert "| a defect from score | 0.25: the usual one of its family |" in text
    assert "The threshold is the usual one" in text
