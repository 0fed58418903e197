"""What a file promises of batch, height and width is tried, and else taken back."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from inference_worker.engine.api import load_folder
from inference_worker.engine.manifest import Manifest, canonical
from inference_worker.engine.store import open_folder
from inference_worker.importing.narrowing import alone_only, one_canvas
from inference_worker.importing.runtimes import Run, try_backends
from inference_worker.untrusted.errors import ModelRefused
from inference_worker.untrusted.limits import ProbeLimits
from tests.engine.toy import toy_manifest
from tests.importing import foreign
from tests.importing.foreign import ULTRALYTICS, network
from tests.importing.imports import imported
from tests.importing.places import places


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, shape, np.uint8)


def test_a_reshape_traced_with_one_image_takes_one_a_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = imported(tmp_path, places(joined="1 7 -1"))
    spec = open_folder(folder).manifest.input
    assert (spec.batch, spec.canvas) == (1, None)
    assert "several images a call" in caplog.text
    assert "(1, 168, 7) and not (2, 84, 7)" in (folder / "card.md").read_text()
    images = [pixels(64, 64, 3), pixels(64, 64, 3)[::-1].copy()]
    detector = load_folder(folder, backend="onnxruntime", threads=1)
    together = detector.infer(images)
    for one, found in zip(images, together, strict=True):
        alone = detector.infer([one])[0]
        assert len(alone) > 5
        assert found.boxes.tolist() == alone.boxes.tolist()


def test_what_is_too_much_together_goes_one_by_one() -> None:
    model = places()
    spec = {"layout": "NCHW", "channels": 3, "range": [0, 1], "sizes": [64]}
    told = toy_manifest({"model.onnx": model}, classes=["a", "b", "c"], input=spec)
    manifest = Manifest.parse(canonical(told))
    one = 84 * 7 * 4
    runs = try_backends(manifest, model, ProbeLimits(output_bytes=one + 100))
    for run in runs.given.values():
        assert "a call with 2 fails (its outputs have" in str(alone_only(run))


def test_images_that_get_each_others_boxes_are_kept_apart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = imported(tmp_path, places(behind="one_image"))
    assert open_folder(folder).manifest.input.batch == 1
    assert "change each other's boxes" in caplog.text


def test_a_network_of_one_size_gets_one_canvas(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = imported(tmp_path, places(behind="one_size"))
    spec = open_folder(folder).manifest.input
    assert (spec.batch, spec.canvas) == (None, (64, 64))
    assert "it gets 64x64 only" in caplog.text
    detector = load_folder(folder, backend="openvino", threads=1, precision="f32")
    assert detector.runner.geometry(20, 60).canvas == (64, 64)


def test_what_is_written_is_of_the_size_that_was_tried(tmp_path: Path) -> None:
    folder = imported(tmp_path, places(joined="1 7 -1", behind="one_size"))
    graph = onnx.load(folder / "model.onnx").graph
    (images,) = graph.input
    shape = [one.dim_value for one in images.type.tensor_type.shape.dim]
    assert shape == [1, 3, 64, 64]


def test_a_network_that_takes_all_it_promises_keeps_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spec = open_folder(imported(tmp_path, places())).manifest.input
    assert (spec.batch, spec.canvas) == (None, None)
    assert "the file says that it takes" not in caplog.text


def test_as_many_boxes_for_fewer_places_are_not_believed(tmp_path: Path) -> None:
    free = ("batch", 3, "height", "width")
    model = network(foreign.yolov8(), metadata=ULTRALYTICS, shape=free)
    assert open_folder(imported(tmp_path, model)).manifest.input.canvas == (64, 64)


def test_a_file_of_ours_is_held_to_its_promise_too(tmp_path: Path) -> None:
    once = imported(tmp_path, places())
    graph = onnx.load(once / "model.onnx")
    for node in graph.graph.node:
        if node.op_type == "Reshape":
            (shape,) = (
                one for one in graph.graph.initializer if one.name == node.input[1]
            )
            shape.CopyFrom(
                onnx.numpy_helper.from_array(np.array([1, 7, -1]), shape.name)
            )
    twice = imported(tmp_path, graph.SerializeToString(), name="twice")
    assert open_folder(twice).manifest.input.batch == 1


def test_a_backend_that_is_wrong_where_sizes_are_free_gets_fixed_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = imported(tmp_path, places(before="openvino_free"))
    spec = open_folder(folder).manifest.input
    assert (spec.batch, spec.canvas) == (1, (64, 64))
    assert "agree only where size and number of images are fixed" in caplog.text
    image = pixels(64, 64, 3)
    found = [
        load_folder(folder, backend=name, threads=1, precision="f32").infer([image])[0]
        for name in ("openvino", "onnxruntime")
    ]
    assert np.allclose(found[0].scores, found[1].scores, atol=1e-3)


def dense(canvas: tuple[int, int]) -> np.ndarray:
    """Rows that hold their places, as a good network gives them."""
    rows = []
    for stride in (8, 16, 32):
        tall, wide = (side // stride for side in canvas)
        y, x = np.mgrid[:tall, :wide] * stride
        box = np.stack([x, y, x + stride, y + stride], 2).reshape(-1, 4)
        rows.append(np.hstack([box, np.full((len(box), 1), 0.5)]))
    return np.concatenate(rows)[None].astype(np.float32)


SMALL = (64, 32)
TURNED = dense((32, 64))[..., [1, 0, 3, 2, 4]]
NAN = dense(SMALL) * np.nan


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (dense(SMALL), None),
        ("Reshape cannot", "fails .Reshape cannot."),
        (dense(SMALL)[..., :4], "gives .1, 42, 4. where"),
        (NAN, "gives .1, 42, 5. where"),
        (dense((64, 64)), "84 boxes for 42 places"),
        (dense(SMALL) * [3, 3, 3, 3, 1], "off the picture"),
        (TURNED, "elsewhere than their places"),
        (dense(SMALL)[:, ::-1], "elsewhere than their places"),
    ],
)
def test_a_smaller_canvas_must_give_boxes_for_its_own_places(
    given: np.ndarray | str, why: str | None
) -> None:
    run = Run((dense((64, 64)),), {SMALL: given}, None)
    said = one_canvas(run, (64, 64))
    assert said is None if why is None else re.search(f"64x32 .*{why}", said or "")


def test_the_error_of_a_wrong_size_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="640x640") as caught:
        imported(tmp_path, places(joined="0 7 64", metadata={}), classes="a,b,c")
    assert "--size" in caught.value.hint


def test_images_go_alone_where_nothing_is_found_that_could_tell() -> None:
    nothing = np.zeros((1, 3, 6), np.float32)
    run = Run((nothing, nothing), {}, np.concatenate([nothing, nothing]))
    assert "nothing is found" in (alone_only(run) or "")
