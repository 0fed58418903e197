from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from inference_worker.engine.api import load_folder
from tests.importing import foreign
from tests.importing.foreign import NAMES, SCORE, ULTRALYTICS, network
from tests.importing.imports import imported
from tests.importing.places import places

CENTRED = [22, 11, 42, 21]
CORNERED = [22, 27, 42, 32]
STRETCHED = [22, 13.5, 42, 18.5]
"""Where the canvas's box lies in a photo 64 wide and 32 high, by how that meets it."""

GIVEN = {"classes": ",".join(NAMES)}
HEAD = {"head": "RTDETRDecoder"}
CASES: dict[str, tuple[bytes, dict[str, Any], list[float]]] = {
    "yolov8": (network(foreign.yolov8(), metadata=ULTRALYTICS), {}, CENTRED),
    "yolov5": (network(foreign.yolov5()), GIVEN, CENTRED),
    "end-to-end": (network(foreign.end_to_end()), GIVEN, CENTRED),
    "ultralytics-rtdetr": (network(foreign.ultralytics_rtdetr()), GIVEN, STRETCHED),
    "ultralytics-rtdetr, six columns": (
        network(foreign.ultralytics_rtdetr(six=True), metadata=ULTRALYTICS | HEAD),
        {},
        STRETCHED,
    ),
    "yolox": (network(foreign.yolox()), GIVEN, CORNERED),
    "yolox, raw": (network(foreign.yolox_raw()), GIVEN, CORNERED),
    "rt-detr": (network(foreign.rtdetr(), sizes=True), GIVEN, STRETCHED),
    "rf-detr": (network(foreign.rfdetr()), GIVEN, STRETCHED),
}


@pytest.mark.parametrize("case", CASES)
def test_a_foreign_network_finds_its_box(tmp_path: Path, case: str) -> None:
    model, wishes, box = CASES[case]
    folder = imported(tmp_path, model, **wishes)
    for backend in ("openvino", "onnxruntime"):
        detector = load_folder(folder, backend=backend, threads=1, precision="f32")
        found = detector.infer([np.zeros((32, 64, 3), np.uint8)])[0]
        assert detector.classes == NAMES
        assert found.boxes.tolist() == [pytest.approx(box, abs=1e-3)], backend
        assert found.scores.tolist() == [pytest.approx(SCORE, abs=1e-4)], backend
        assert found.names(NAMES) == ["short"]


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_images_of_all_shapes_share_a_network_that_takes_one(
    tmp_path: Path, backend: str
) -> None:
    folder = imported(tmp_path, network(foreign.yolov8(), metadata=ULTRALYTICS))
    detector = load_folder(folder, backend=backend, threads=1, precision="f32")
    images = [np.zeros((side, 64, 3), np.uint8) for side in (64, 64, 32, 128)]
    tops = [one.boxes[0, 1] for one in detector.infer(images)]
    assert tops == pytest.approx([27, 27, 11, 54])


BATCHED = {
    "yolov8": (foreign.yolov8(), False),
    "yolov5": (foreign.yolov5(), False),
    "end-to-end": (foreign.end_to_end(), False),
    "ultralytics-rtdetr": (foreign.ultralytics_rtdetr(), False),
    "yolox": (foreign.yolox_raw(), False),
    "rt-detr": (foreign.rtdetr(), True),
    "rf-detr": (foreign.rfdetr(), False),
}


@pytest.mark.parametrize("family", BATCHED)
def test_a_free_batch_takes_several_images_a_call(tmp_path: Path, family: str) -> None:
    outputs, sizes = BATCHED[family]
    model = network(outputs, shape=("batch", 3, 64, 64), sizes=sizes)
    folder = imported(tmp_path, model, family=family, **GIVEN)
    detector = load_folder(folder, backend="onnxruntime", threads=1)
    preds = detector.runner.forward(np.zeros((3, 64, 64, 3), np.uint8))
    assert len(preds) == 3
    found = detector.infer([np.zeros((64, 64, 3), np.uint8)] * 3)
    assert [one.boxes.round(2).tolist() for one in found] == [[[22, 27, 42, 37]]] * 3


def test_a_free_batch_and_canvas_stay_free(tmp_path: Path) -> None:
    detector = load_folder(imported(tmp_path, places()), backend="onnxruntime")
    spec = detector.runner.manifest.input
    assert (spec.fit, spec.sizes, spec.canvas, spec.batch) == (
        "centre",
        (64,),
        None,
        None,
    )
    preds = detector.runner.forward(np.zeros((3, 32, 64, 3), np.uint8))
    assert preds.shape == (3, 32 + 8 + 2, 7)


def test_a_network_in_half_precision_is_fed_and_read_in_single(tmp_path: Path) -> None:
    model = network(
        foreign.yolov8(), metadata=ULTRALYTICS, kind=TensorProto.FLOAT16, opset=18
    )
    folder = imported(tmp_path, model)
    detector = load_folder(folder, backend="onnxruntime", threads=1)
    found = detector.infer([np.zeros((64, 64, 3), np.uint8)])[0]
    assert found.boxes.tolist() == [pytest.approx([22, 27, 42, 37], abs=0.05)]


def test_an_old_opset_is_brought_up(tmp_path: Path) -> None:
    model = network(foreign.yolov8(), metadata=ULTRALYTICS, opset=12)
    folder = imported(tmp_path, model)
    found = load_folder(folder, backend="onnxruntime").infer(
        [np.zeros((64, 64, 3), np.uint8)]
    )
    assert len(found[0]) == 1


@pytest.mark.parametrize(("colour", "seen"), [((255, 0, 0), 0.0), ((0, 0, 255), 255.0)])
def test_yolox_is_shown_blue_first_in_0_to_255(
    tmp_path: Path, colour: tuple[int, int, int], seen: float
) -> None:
    # The first plane's mean moves the box to the right: by nothing, or off the canvas.
    watch = ("output", (5, 0), 0)
    folder = imported(tmp_path, network(foreign.yolox(), watch=watch), **GIVEN)
    runner = load_folder(folder, backend="onnxruntime").runner
    preds = runner.forward(np.full((1, 64, 64, 3), colour, np.uint8))
    assert preds[0, 5, :4:2].tolist() == pytest.approx([22 + seen, 42 + seen], abs=0.01)


def test_rf_detr_is_shown_what_imagenet_leaves(tmp_path: Path) -> None:
    watch = ("dets", (0, 0), 0)
    folder = imported(tmp_path, network(foreign.rfdetr(), watch=watch), **GIVEN)
    runner = load_folder(folder, backend="onnxruntime").runner
    preds = runner.forward(np.full((1, 64, 64, 3), 255, np.uint8))
    moved = 64 * (1 - 0.485) / 0.229
    assert preds[0, 0, 0] == pytest.approx(22 + moved, abs=0.01)


def test_one_box_of_rf_detr_may_be_of_two_classes(tmp_path: Path) -> None:
    outputs = foreign.rfdetr()
    outputs["labels"][0, 0, 2] = 0.0
    folder = imported(tmp_path, network(outputs), **GIVEN)
    detector = load_folder(folder, backend="openvino", threads=1, precision="f32")
    found = detector.infer([np.zeros((64, 64, 3), np.uint8)], threshold=0.4)[0]
    assert found.names(NAMES) == ["short", "spur"]
    assert found.scores.tolist() == pytest.approx([0.9, 0.5], abs=1e-4)
    assert found.boxes[0].tolist() == found.boxes[1].tolist()


def test_a_dash_drops_a_score(tmp_path: Path) -> None:
    folder = imported(tmp_path, network(foreign.rfdetr()), classes="-,short,spur")
    found = load_folder(folder, backend="onnxruntime").infer(
        [np.zeros((64, 64, 3), np.uint8)]
    )[0]
    assert found.names(("short", "spur")) == ["short"]
