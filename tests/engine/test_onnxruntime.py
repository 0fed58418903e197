"""ONNX Runtime, for real, on the CPU; and that it needs little beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference_worker.engine.api import Detector, load_folder
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.errors import (
    BackendUnavailable,
    InferenceFailed,
    LoadFailed,
)
from inference_worker.engine.manifest import Manifest, canonical
from tests.engine.toy import board, paint, toy_manifest, toy_network, traced, write_toy
from tests.importing.places import places

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "engines" / "pcb-defects" / "2"
NOT_ON_A_BARE_MACHINE = [
    *("django", "celery", "traceability", "openvino", "simplejpeg", "plotly"),
    *("torch", "rich", "pandas", "scipy", "PIL", "redis"),
]


def manifest(**changes: Any) -> Manifest:
    return Manifest.parse(canonical(toy_manifest({"model.onnx": b"x"}, **changes)))


def opened(model: bytes, **options: Any) -> Any:
    return open_backend("onnxruntime", manifest(), model, **options)


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    folder = write_toy(tmp_path_factory.mktemp("toy"))
    return load_folder(folder, backend="onnxruntime", threads=1)


def test_it_says_what_it_is(mine: Detector) -> None:
    assert (mine.backend, mine.precision) == ("onnxruntime", "f32")


def test_each_colour_is_found_where_it_is(mine: Detector, toy: Detector) -> None:
    images = [board(), board(480, 640), board(1024, 700)]
    for i, image in enumerate(images):
        paint(image, i, left=64 * (i + 1), top=96)
    for one, other in zip(mine.infer(images), toy.infer(images), strict=True):
        assert len(one) == 1
        assert np.array_equal(one.class_ids, other.class_ids)
        assert np.allclose(one.boxes, other.boxes, atol=1e-3)
        assert np.allclose(one.scores, other.scores, atol=1e-5)


def test_six_planes_are_an_image_and_its_template(tmp_path: Path) -> None:
    spec = toy_manifest({})["input"] | {"channels": 6}
    folder = write_toy(tmp_path, input=spec)
    detector = load_folder(folder, backend="onnxruntime", threads=1)
    image = traced()
    paint(image, 0, left=0, top=0)
    assert len(detector.infer([image], [traced()])[0]) == 1


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="the shipped model is not here")
def test_the_shipped_model_finds_the_same_as_on_openvino() -> None:
    from traceability.demo.boards import draw_sample

    rng = np.random.default_rng(31)
    images = [draw_sample(rng).image for _ in range(4)]
    images.append(np.ascontiguousarray(images[0][:480, :500]))
    results = [
        load_folder(SHIPPED, backend=name, threads=1, precision="f32").infer(images)
        for name in ("openvino", "onnxruntime")
    ]
    assert sum(len(found) for found in results[0]) > 10
    for one, other in zip(*results, strict=True):
        assert np.array_equal(one.class_ids, other.class_ids)
        assert np.allclose(one.boxes, other.boxes, atol=0.05)
        assert np.allclose(one.scores, other.scores, atol=1e-3)


@pytest.mark.parametrize("model", [b"", b"not a network", toy_network()[:500]])
def test_a_model_the_runtime_cannot_read_is_not_loaded(model: bytes) -> None:
    with pytest.raises(LoadFailed, match="ONNX Runtime"):
        opened(model, threads=1)


def test_a_model_of_other_planes_than_its_manifest_is_not_loaded() -> None:
    with pytest.raises(LoadFailed, match="3 planes"):
        opened(toy_network(channels=6), threads=1)


def test_a_precision_it_does_not_compute_in_is_refused() -> None:
    with pytest.raises(LoadFailed, match="bf16"):
        opened(toy_network(), precision="bf16")


def test_what_fails_while_it_runs_is_an_error_of_ours() -> None:
    with pytest.raises(InferenceFailed, match="ONNX Runtime"):
        opened(toy_network(), threads=1).forward(np.zeros((1, 64, 64, 5), np.uint8))


def test_a_node_that_fails_is_not_printed_beside_its_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """ONNX Runtime has a coloured line of its own for it."""
    for_64_by_64 = opened(places(joined="1 7 64"))
    capfd.readouterr()
    with pytest.raises(InferenceFailed, match="Reshape"):
        for_64_by_64.forward(np.zeros((1, 64, 128, 3), np.uint8))
    assert capfd.readouterr().err == ""


def test_a_missing_runtime_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BackendUnavailable) as caught:
        opened(toy_network())
    assert "pip install" in caught.value.hint


def test_without_a_working_gpu_the_cpu_does_it_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The CPU build claims CUDA here, and its provider then cannot be had."""
    import onnxruntime as ort

    boastful = types.ModuleType("onnxruntime")
    vars(boastful).update(vars(ort))
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    vars(boastful).update(get_available_providers=lambda: names)
    tried: list[Any] = []

    def session(model: bytes, options: Any, providers: list[Any], **more: Any) -> Any:
        tried.append(providers)
        if len(providers) > 1:
            raise RuntimeError("CUDA failure 100: no CUDA-capable device")
        return ort.InferenceSession(model, options, providers, **more)

    vars(boastful).update(InferenceSession=session)
    monkeypatch.setitem(sys.modules, "onnxruntime", boastful)
    backend = opened(toy_network(), threads=1)
    assert [providers[0][0] for providers in tried[:1]] == names[:1]
    assert backend.provider == "CPUExecutionProvider"
    assert "no CUDA-capable device" in caplog.text
    assert capsys.readouterr().out == ""


def test_evaluating_needs_little_more_than_the_runtime(tmp_path: Path) -> None:
    import cv2

    folder = write_toy(tmp_path / "engines")
    image = board()
    paint(image, 1, left=64, top=96)
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "0.png"), image[..., ::-1])
    content = {
        "categories": [{"id": 1, "name": "green"}],
        "images": [{"id": 1, "file_name": "0.png"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [64, 96, 32, 32]}],
    }
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({NOT_ON_A_BARE_MACHINE}));"
        "from inference_worker.commands.main import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["evaluate", "--backend", "onnxruntime", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code]
        + [*words, "--model", str(folder), "--coco", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["map33"] == 1.0
