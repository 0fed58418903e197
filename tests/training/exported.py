"""A version's file, run by each runtime and loaded back into a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from inference_worker.engine.manifest import Manifest
from inference_worker.training.network import QualityNet
from inference_worker.training.start import Start
from inference_worker.training.weights import begin_from


def network_of(version: Path, examples: torch.Tensor) -> QualityNet:
    """The network that a version was exported from, as far as its file can tell."""
    manifest = Manifest.parse((version / "manifest.json").read_bytes())
    start = Start(manifest, (version / "model.onnx").read_bytes(), named=True)
    network = QualityNet(len(manifest.classes))
    fitted, of = begin_from(network, start, manifest.classes, examples)
    assert fitted == of
    return network.eval()


def answer_of(runtime: str, version: Path, images: np.ndarray) -> np.ndarray:
    path = str(version / "model.onnx")
    if runtime == "openvino":
        import openvino

        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.Core().compile_model(path, "CPU", exact)
        return np.asarray(compiled(images)[0])
    from onnxruntime import InferenceSession

    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["preds"], {"images": images})[0])
