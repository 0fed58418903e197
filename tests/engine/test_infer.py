from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from inference_worker.engine.api import Detector, load_folder
from inference_worker.engine.backends.base import MAX_BATCH, Backend
from inference_worker.engine.backends.registry import BACKENDS, open_backend
from inference_worker.engine.errors import (
    BackendUnavailable,
    BackendUnknown,
    EngineMissing,
    InferenceFailed,
    LoadFailed,
    PrecisionUnknown,
    TemplateError,
)
from inference_worker.engine.manifest import Manifest, canonical
from inference_worker.engine.postprocess import MAX_CANDIDATES, MAX_DETECTIONS, find
from inference_worker.engine.preprocess import plan
from inference_worker.engine.types import Detections
from tests.engine.toy import (
    CELL,
    board,
    paint,
    toy_manifest,
    toy_network,
    traced,
    write_toy,
)


def manifest(**changes: Any) -> Manifest:
    return Manifest.parse(canonical(toy_manifest({"model.onnx": b"x"}, **changes)))


class Fixed(Backend):
    """Answers with the same output for every canvas, and remembers what it saw."""

    name = "fixed"
    precision = "f32"

    def __init__(self, preds: Any, **changes: Any) -> None:
        super().__init__(manifest(**changes))
        self.preds = np.asarray(preds, np.float32).reshape(-1, 7)
        self.seen: list[np.ndarray] = []

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        self.seen.append(pixels)
        return np.repeat(self.preds[None], len(pixels), axis=0)


def described(found: Detections) -> list[tuple[int, list[float]]]:
    return [
        (int(i), np.round(box, 2).tolist())
        for i, box in zip(found.class_ids, found.boxes, strict=True)
    ]


# OpenVINO, for real


def test_a_square_is_found_where_it_is(toy: Detector) -> None:
    image = board()
    paint(image, 1, left=64, top=96)
    (found,) = toy.infer([image])
    assert described(found) == [(1, [64, 96, 96, 128])]
    assert found.scores[0] == pytest.approx(1.0)


def test_nothing_is_found_on_an_empty_board(toy: Detector) -> None:
    assert len(toy.infer([board()])[0]) == 0


def test_no_images_no_results(toy: Detector) -> None:
    assert toy.infer([]) == []


@pytest.mark.parametrize(
    ("height", "width"), [(640, 640), (480, 640), (1280, 960), (320, 320), (960, 1280)]
)
def test_boxes_are_in_the_pixels_of_the_image(
    toy: Detector, height: int, width: int
) -> None:
    scale = max(plan(height, width, (512, 640, 1024), CELL).canvas) / max(height, width)
    side = round(CELL / scale)
    image = board(height, width)
    paint(image, 2, left=2 * side, top=3 * side, side=side)
    (found,) = toy.infer([image])
    assert described(found) == [(2, [2 * side, 3 * side, 3 * side, 4 * side])]


def test_results_stand_in_the_order_of_the_images(toy: Detector) -> None:
    images = []
    for i in range(2 * MAX_BATCH + 3):
        image = board(640, 640) if i % 3 else board(480, 640)
        paint(image, i % 3, left=CELL * i, top=0)
        images.append(image)
    together = toy.infer(images)
    assert [described(found) for found in together] == [
        described(toy.infer([image])[0]) for image in images
    ]
    assert [found.class_ids[0] for found in together] == [
        i % 3 for i in range(len(images))
    ]


def test_a_lower_threshold_finds_more(toy: Detector) -> None:
    image = board()
    image[:CELL, :CELL, 0] = 100
    assert len(toy.infer([image])[0]) == 0
    assert len(toy.infer([image], threshold=0.3)[0]) == 1


def test_the_detector_says_what_it_is(toy: Detector) -> None:
    assert (toy.model, toy.version, toy.backend) == ("toy", "1", "openvino")
    assert (toy.precision, toy.threshold) == ("f32", 0.6)
    assert toy.classes == ("red", "green", "blue")


def test_precision_is_taken_from_the_environment_where_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INFERENCE_PRECISION_HINT", "f32")
    backend = open_backend("openvino", manifest(), toy_network(), threads=1)
    assert backend.precision == "f32"


@pytest.mark.parametrize("asked", ["int8", "F32", "half", " f32", "dynamic"])
def test_an_unknown_precision_in_the_environment_is_named(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("INFERENCE_PRECISION_HINT", asked)
    for backend in BACKENDS:
        with pytest.raises(PrecisionUnknown, match=repr(asked)) as caught:
            load_folder(write_toy(tmp_path / backend), backend=backend)
        assert "INFERENCE_PRECISION_HINT" in str(caught.value)
        assert "Unset it" in caught.value.hint


def test_an_empty_hint_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INFERENCE_PRECISION_HINT", raising=False)
    usual = open_backend("openvino", manifest(), toy_network(), threads=1).precision
    monkeypatch.setenv("INFERENCE_PRECISION_HINT", "")
    backend = open_backend("openvino", manifest(), toy_network(), threads=1)
    assert backend.precision == usual


def test_a_precision_that_is_given_needs_no_hint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("INFERENCE_PRECISION_HINT", "half")
    assert load_folder(write_toy(tmp_path), precision="f32").precision == "f32"


def test_a_template_goes_beside_its_image(tmp_path: Any) -> None:
    spec = toy_manifest({})["input"] | {"channels": 6}
    detector = load_folder(write_toy(tmp_path, input=spec), precision="f32", threads=1)
    image = traced()
    paint(image, 0, left=0, top=0)
    assert detector.wants_templates
    assert len(detector.infer([image], [traced()])[0]) == 1
    with pytest.raises(TemplateError, match="does not show this board"):
        detector.infer([image], [board()])


@pytest.mark.parametrize("model", [b"", b"not a network", toy_network()[:500]])
def test_a_model_the_runtime_cannot_read_is_not_loaded(model: bytes) -> None:
    with pytest.raises(LoadFailed, match="OpenVINO"):
        open_backend("openvino", manifest(), model, threads=1)


def test_a_model_of_other_planes_than_its_manifest_is_not_loaded() -> None:
    with pytest.raises(LoadFailed, match="3 planes"):
        open_backend("openvino", manifest(), toy_network(channels=6), threads=1)


def test_a_model_that_cannot_run_its_classes_fails_at_warm_up(tmp_path: Any) -> None:
    folder = write_toy(tmp_path, classes=["only", "two"])
    with pytest.raises(InferenceFailed, match="expected"):
        load_folder(folder, threads=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_unknown_precision_is_named_with_the_known(backend: str) -> None:
    with pytest.raises(PrecisionUnknown, match="'f7'") as caught:
        open_backend(backend, manifest(), toy_network(), precision="f7")
    assert "bf16" in caught.value.hint


def test_a_version_without_a_network_is_not_said_to_lack_int8(tmp_path: Any) -> None:
    folder = write_toy(tmp_path)
    kept = json.loads((folder / "manifest.json").read_text())
    del kept["files"]["model.onnx"]
    (folder / "manifest.json").write_text(json.dumps(kept))
    for precision in (None, "f32", "int8"):
        with pytest.raises(EngineMissing, match=r"toy 1 has no model\.onnx") as caught:
            load_folder(folder, precision=precision)
        assert "released" in caught.value.hint


def test_a_version_without_int8_says_so_where_it_is_asked_for(tmp_path: Any) -> None:
    with pytest.raises(EngineMissing, match="toy 1 has no int8") as caught:
        load_folder(write_toy(tmp_path), precision="int8")
    assert "quantise" in caught.value.hint


# The seam


def test_an_unknown_backend_is_named_with_the_known() -> None:
    with pytest.raises(BackendUnknown, match="'abacus'") as caught:
        open_backend("abacus", manifest(), b"")
    assert "openvino" in caught.value.hint


def test_a_missing_runtime_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(BackendUnavailable) as caught:
        open_backend("openvino", manifest(), toy_network())
    assert "pip install" in caught.value.hint


def test_every_backend_of_the_registry_exists() -> None:
    for path in BACKENDS.values():
        module, _, name = path.rpartition(".")
        try:
            found = import_module(module)
        except BackendUnavailable:  # tests/contract opens TensorRT's by its name
            assert "tensorrt" in path
            continue
        assert issubclass(getattr(found, name), Backend)


def test_images_of_one_shape_share_a_call() -> None:
    backend = Fixed([])
    backend.infer([board(), board(480, 640), board(), board(480, 640)])
    assert sorted(seen.shape for seen in backend.seen) == [
        (2, 480, 640, 3),
        (2, 640, 640, 3),
    ]


def test_a_call_holds_a_batch_at_most() -> None:
    backend = Fixed([])
    backend.infer([board()] * (MAX_BATCH + 1))
    assert [len(seen) for seen in backend.seen] == [MAX_BATCH, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_network_gone_mad_is_an_error_and_not_a_clean_board(bad: float) -> None:
    with pytest.raises(InferenceFailed, match="NaN"):
        Fixed([[0, 0, 9, 9, bad, 0, 0]]).infer([board()])


@pytest.mark.parametrize("templates", [None, [], [board(640, 480)]])
def test_a_template_that_does_not_fit_is_refused(templates: Any) -> None:
    spec = toy_manifest({})["input"] | {"channels": 6}
    with pytest.raises(TemplateError):
        Fixed([], input=spec).infer([board()], templates)


def test_an_anchor_speaks_for_its_best_class_only() -> None:
    (found,) = Fixed([[10, 10, 50, 50, 0.7, 0.9, 0.8]]).infer([board()])
    assert described(found) == [(1, [10, 10, 50, 50])]


def test_for_measuring_it_speaks_for_every_class_too() -> None:
    backend = Fixed([[10, 10, 50, 50, 0.7, 0.9, 0.002]])
    one, other = backend.guess([board(), board(480, 640)], None, threshold=0.01)
    for guesses in (one, other):
        assert described(guesses.seen) == [(1, [10, 10, 50, 50])]
        assert described(guesses.every) == [
            (1, [10, 10, 50, 50]),
            (0, [10, 10, 50, 50]),
        ]
        assert guesses.every.scores == pytest.approx([0.9, 0.7])
    assert [len(seen) for seen in backend.seen] == [1, 1]


def test_what_is_seen_at_a_low_score_holds_what_production_sees(toy: Detector) -> None:
    rng = np.random.default_rng(7)
    image = np.kron(rng.integers(0, 256, (20, 20, 3)), np.ones((32, 32, 1)))
    (found,) = toy.infer([image.astype(np.uint8)])
    (guesses,) = toy.guess([image.astype(np.uint8)], None, threshold=0.001)
    seen = guesses.seen.take(guesses.seen.scores >= toy.threshold)
    assert len(found) > 50
    assert described(seen) == described(found)


def test_a_score_of_just_the_threshold_is_a_defect() -> None:
    backend = Fixed([[10, 10, 50, 50, 0.5, 0, 0]], threshold_ppm=500_000)
    assert len(backend.infer([board()])[0]) == 1


def test_doubles_are_suppressed_class_by_class() -> None:
    preds = [
        [10, 10, 50, 50, 0.7, 0, 0],
        [11, 11, 51, 51, 0.9, 0, 0],
        [10, 10, 50, 50, 0, 0.8, 0],
    ]
    (found,) = Fixed(preds).infer([board()])
    assert described(found) == [(0, [11, 11, 51, 51]), (1, [10, 10, 50, 50])]


def test_what_lies_off_the_image_is_dropped_and_the_rest_cut() -> None:
    preds = [[-20, 100, 20, 120, 0.9, 0, 0], [700, 0, 720, 20, 0.9, 0, 0]]
    (found,) = Fixed(preds).infer([board()])
    assert described(found) == [(0, [0, 100, 20, 120])]


def test_a_flood_of_boxes_is_bounded() -> None:
    n = 3 * MAX_CANDIDATES
    corner = np.arange(n)[:, None] % 100 * 6.0 + [0, 0]
    corner[:, 1] = np.arange(n) // 100 * 6.0
    scores = np.zeros((n, 3))
    scores[:, 0] = 0.99
    preds = np.hstack([corner, corner + 5, scores]).astype(np.float32)
    for every_class in (False, True):
        found = find(preds, plan(640, 640, (640,), CELL), 0.5, 0.5, every_class)
        assert len(found) == MAX_DETECTIONS
