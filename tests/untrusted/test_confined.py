"""A backend in a child gives what it gives here, fails as here, and is bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import psutil
import pytest

from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.errors import (
    BackendUnknown,
    InferenceFailed,
    LoadFailed,
)
from inference_worker.engine.manifest import Manifest, canonical
from inference_worker.untrusted.confined import ConfinedBackend
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import ProbeLimits
from tests.engine.toy import toy_manifest, toy_network
from tests.untrusted.models import node, of, stored, value
from tests.untrusted.test_sandbox import be

TOY = toy_network()
BACKENDS = ("openvino", "onnxruntime")


def manifest(model: bytes = TOY, **changes: Any) -> Manifest:
    return Manifest.parse(canonical(toy_manifest({"model.onnx": model}, **changes)))


def photos(count: int, height: int = 64) -> np.ndarray:
    shape = (count, height, 96, 3)
    return np.random.default_rng(5).integers(0, 255, shape, np.uint8)


@pytest.mark.parametrize("name", BACKENDS)
def test_it_gives_what_the_backend_gives_here(name: str) -> None:
    here = open_backend(name, manifest(), TOY, threads=1, precision="f32")
    with ConfinedBackend(name, manifest(), TOY, precision="f32") as there:
        assert there.precision == here.precision == "f32"
        for some in (photos(1), photos(3), photos(1, 160)):
            np.testing.assert_allclose(
                there.forward(some), here.forward(some), atol=1e-4
            )


def test_it_finds_what_any_backend_finds() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[32:, 32:, 0] = 255
    here = open_backend("openvino", manifest(), TOY, threads=1, precision="f32")
    with ConfinedBackend("openvino", manifest(), TOY, precision="f32") as there:
        (found,), (wanted,) = there.infer([image]), here.infer([image])
    assert len(found) > 5
    assert found.boxes.tolist() == wanted.boxes.tolist()


@pytest.mark.parametrize("asked", ["f32", "bf16"])
def test_the_sites_precision_holds_there_too(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_PRECISION_HINT", asked)
    here = open_backend("openvino", manifest(), TOY, threads=1).precision
    with ConfinedBackend("openvino", manifest(), TOY) as there:
        assert there.precision == here


@pytest.mark.parametrize("name", BACKENDS)
def test_what_cannot_be_loaded_fails_as_here(name: str) -> None:
    with pytest.raises(LoadFailed) as here:
        open_backend(name, manifest(b"no model"), b"no model")
    with pytest.raises(LoadFailed) as there:
        ConfinedBackend(name, manifest(b"no model"), b"no model")
    assert str(there.value) == str(here.value)
    assert there.value.hint == here.value.hint


def test_an_unknown_backend_fails_as_here() -> None:
    with pytest.raises(BackendUnknown, match="'gpu'"):
        ConfinedBackend("gpu", manifest(), TOY)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_run_that_fails_does_not_end_it(name: str) -> None:
    model = of(
        node("Reshape", "images shape", "preds"),
        tensors=[stored("shape", [1, 3, 64, 96], np.int64)],
        inputs=[value("images", ["n", 3, "h", "w"])],
    )
    with ConfinedBackend(name, manifest(model), model, precision="f32") as there:
        with pytest.raises(InferenceFailed):
            there.forward(photos(2))
        assert there.forward(photos(1)).shape == (1, 3, 64, 96)


@pytest.mark.parametrize("name", BACKENDS)
def test_its_memory_is_bounded(name: str) -> None:
    small = ProbeLimits(memory_bytes=250 * 2**20)
    with pytest.raises(ModelRefused) as caught:
        ConfinedBackend(name, manifest(), TOY, limits=small).forward(photos(8, 4096))
    assert caught.value.reason in (Reason.OUT_OF_MEMORY, Reason.DIED)


def test_its_outputs_are_bounded() -> None:
    small = ProbeLimits(output_bytes=100)
    there = ConfinedBackend("onnxruntime", manifest(), TOY, limits=small)
    with there, pytest.raises(ModelRefused) as caught:
        there.forward(photos(3))
    assert caught.value.reason == Reason.OUTPUT_TOO_LARGE


def test_its_time_is_bounded() -> None:
    with pytest.raises(ModelRefused) as caught:
        ConfinedBackend("openvino", manifest(), TOY, limits=ProbeLimits(seconds=0.05))
    assert caught.value.reason == Reason.TOO_SLOW


def test_nothing_is_left_when_it_is_closed() -> None:
    before = psutil.Process().children()
    with ConfinedBackend("onnxruntime", manifest(), TOY):
        assert len(psutil.Process().children()) == len(before) + 1
    assert psutil.Process().children() == before


@pytest.mark.parametrize(
    "answer",
    [
        {"outputs": []},
        {"outputs": None},
        {"outputs": [{"name": "preds", "dtype": "float32", "shape": [9]}]},
        {"outputs": [{"name": "preds", "dtype": "int8", "shape": [0]}]},
        {"failed": "yes"},
        {"refused": "because", "message": "no"},
    ],
)
def test_a_child_that_lies_is_refused(
    answer: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"""
import json, sys
source, out = sys.stdin.buffer, sys.stdout.buffer
for answer in ({{"precision": "f32"}}, {answer!r}):
    source.read(int.from_bytes(source.read(8), "big"))
    content = json.dumps(answer).encode() + b"\\n"
    out.write(len(content).to_bytes(8, "big") + content)
    out.flush()
source.read()
"""
    be(monkeypatch, code)
    there = ConfinedBackend("onnxruntime", manifest(), TOY)
    with there, pytest.raises(ModelRefused) as caught:
        there.forward(photos(1))
    assert caught.value.reason == Reason.ANSWER_INVALID
