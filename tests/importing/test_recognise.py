from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference_worker.engine.errors import EngineError
from inference_worker.importing.errors import FamilyUnclear, ImportRefused
from inference_worker.importing.recognise import Recognised, recognise
from inference_worker.importing.source import open_source
from tests.importing import foreign
from tests.importing.foreign import NAMES, ULTRALYTICS, network, rows, write
from tests.importing.imports import imported

GIVEN = ",".join(NAMES)


def recognised(
    folder: Path, model: bytes, family: str | None = None, count: int | None = None
) -> Recognised:
    source = open_source(write(folder, model))
    return recognise(source.try_out((64, 64)), family, count)


@pytest.mark.parametrize(
    ("outputs", "family"),
    [
        (foreign.yolov8(), "yolov8"),
        (foreign.yolov5(), "yolov5"),
        (foreign.end_to_end(), "end-to-end"),
        (foreign.ultralytics_rtdetr(), "ultralytics-rtdetr"),
        (foreign.ultralytics_rtdetr(six=True), "ultralytics-rtdetr"),
        (foreign.yolox(), "yolox"),
        (foreign.yolox_raw(), "yolox"),
        (foreign.rtdetr(), "rt-detr"),
        (foreign.rfdetr(), "rf-detr"),
    ],
)
def test_the_family_is_known_without_metadata(
    tmp_path: Path, outputs: dict[str, np.ndarray], family: str
) -> None:
    model = network(outputs, sizes="boxes" in outputs)
    assert recognised(tmp_path, model).family.key == family


@pytest.mark.parametrize("label", [np.nan, np.inf, -1.0, 0.5])
def test_labels_that_number_no_class_are_no_labels(
    tmp_path: Path, label: float
) -> None:
    outputs = foreign.rtdetr()
    outputs["labels"] = np.full_like(outputs["labels"], label, dtype=np.float32)
    with pytest.raises(ImportRefused):
        recognised(tmp_path, network(outputs, sizes=True))


def test_two_families_alike_are_asked_about(tmp_path: Path) -> None:
    model = network(foreign.yolox(name="boxes"))
    with pytest.raises(FamilyUnclear) as caught:
        recognised(tmp_path, model)
    assert set(caught.value.candidates) == {"yolox", "yolov8"}
    assert "--family yolox" in caught.value.hint


def test_what_is_only_shaped_alike_is_asked_about(tmp_path: Path) -> None:
    model = network(foreign.rfdetr(("pred_boxes", "logits")))
    with pytest.raises(FamilyUnclear, match="RF-DETR"):
        recognised(tmp_path, model)


@pytest.mark.parametrize(("count", "family"), [(3, "yolox"), (4, "yolov8")])
def test_the_number_of_classes_decides(tmp_path: Path, count: int, family: str) -> None:
    model = network(foreign.yolox(name="boxes"))
    assert recognised(tmp_path, model, count=count).family.key == family


@pytest.mark.parametrize(("count", "family"), [(3, "yolox"), (4, "yolov8")])
def test_the_number_of_classes_counts_before_a_name(
    tmp_path: Path, count: int, family: str
) -> None:
    found = recognised(tmp_path, network(foreign.yolox()), count=count)
    assert found.family.key == family
    assert ("--family yolox" in found.doubt) == (family == "yolov8")


def test_a_number_that_fits_no_family_leaves_the_surest(tmp_path: Path) -> None:
    found = recognised(tmp_path, network(foreign.yolox()), count=9)
    assert (found.family.key, found.doubt) == ("yolox", "")


def test_offsets_in_cells_are_no_boxes_of_yolov8(tmp_path: Path) -> None:
    outputs = foreign.yolox_raw()
    outputs["output"][0, 7, 2] = 4.0
    found = recognised(tmp_path, network(outputs), count=4)
    assert found.family.key == "yolox"


def test_the_user_decides(tmp_path: Path) -> None:
    model = network(foreign.yolox(name="boxes"))
    assert recognised(tmp_path, model, family="yolov8").family.key == "yolov8"


def test_a_family_that_the_user_names_wrongly_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="which RF-DETR does not"):
        recognised(tmp_path, network(foreign.yolov8()), family="rf-detr")


def test_metadata_tells_six_columns_apart_where_nothing_was_found(
    tmp_path: Path,
) -> None:
    nothing = {"output0": np.zeros((1, 300, 6), np.float32)}
    head = {"head": "RTDETRDecoder"}
    with pytest.raises(FamilyUnclear):
        recognised(tmp_path, network(nothing))
    told = network(nothing, metadata=ULTRALYTICS | head)
    assert recognised(tmp_path, told).family.key == "ultralytics-rtdetr"
    told = network(nothing, metadata=ULTRALYTICS | {"end2end": "True"})
    assert recognised(tmp_path, told).family.key == "end-to-end"


@pytest.mark.parametrize(
    ("task", "does"),
    [
        ("segment", "outlines"),
        ("pose", "joints"),
        ("obb", "turned"),
        ("classify", "whole pictures"),
        ("x" * 5000, "x..."),
    ],
)
def test_other_tasks_are_refused_by_name(tmp_path: Path, task: str, does: str) -> None:
    model = network(foreign.yolov8(), metadata=ULTRALYTICS | {"task": task})
    with pytest.raises(ImportRefused, match=does) as caught:
        imported(tmp_path, model)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (
            network(
                {
                    "output0": rows(foreign.CELLS, 3).transpose(0, 2, 1),
                    "output1": np.zeros((1, 32, 16, 16), np.float32),
                }
            ),
            "masks beside its boxes",
        ),
        (network({"output0": np.zeros((1, 10), np.float32)}), "whole pictures"),
        (network({"output0": np.zeros((1, 7), np.float32)}), "whole pictures"),
        (network(foreign.yolov8(), shape=(1, 6, 64, 64)), "6 planes"),
        (network(foreign.yolov8(), shape=(4, 3, 64, 64)), "exactly 4 pictures"),
        # Points of a pose behind the score: no shares, so no scores.
        (
            network({"output0": (rows(foreign.CELLS, 9) * 40).transpose(0, 2, 1)}),
            "no family",
        ),
    ],
)
def test_what_is_no_detector_is_refused(tmp_path: Path, model: bytes, why: str) -> None:
    with pytest.raises(EngineError, match=why):
        imported(tmp_path, model, classes=GIVEN)


@pytest.mark.parametrize(
    "outputs",
    [foreign.end_to_end(), foreign.ultralytics_rtdetr(six=True), foreign.rtdetr()],
)
def test_a_label_beyond_the_names_is_refused(
    tmp_path: Path, outputs: dict[str, np.ndarray]
) -> None:
    model = network(outputs, sizes="boxes" in outputs)
    with pytest.raises(ImportRefused, match="gave class 1 for a drawn picture"):
        imported(tmp_path, model, classes="open")
