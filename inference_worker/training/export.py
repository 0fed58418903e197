"""Turn a trained network into ONNX and prove that nothing was lost."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator

from inference_worker.training.network import GRANULE, ConvUnit, QualityNet

OPSET = 20
TOLERANCE = 1e-3  # of a score; of a box, in pixels


def export(network: QualityNet, classes: Sequence[str]) -> bytes:
    """The network as an ONNX file: `images` to `preds`, N, H and W free.

    Convolutions carry their batch norms, and the metadata names the classes.
    """
    for name in ("onnx_ir", "onnxscript", "torch.onnx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    dimension = torch.export.Dim
    free = {
        0: dimension("batch", min=1, max=256),
        2: GRANULE * dimension("rows", min=2, max=128),
        3: GRANULE * dimension("columns", min=2, max=128),
    }
    example = torch.zeros(2, network.channels, 4 * GRANULE, 5 * GRANULE)
    program = torch.onnx.export(
        _folded(network),
        (example,),
        dynamo=True,
        opset_version=OPSET,
        input_names=["images"],
        output_names=["preds"],
        dynamic_shapes={"images": free},
        verbose=False,
    )
    if program is None:
        raise RuntimeError("the exporter gave no program")
    model = _bare(program.model_proto)
    labels = {"causeline_schema": "1", "names": json.dumps(list(classes))}
    onnx.helper.set_model_props(model, labels)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def largest_difference(network: QualityNet, path: Path, size: int) -> float:
    """How far ONNX and torch are apart on noise of one size, at most."""
    shape = (1, network.channels, size, size)
    images = np.random.default_rng(size).random(shape, np.float32)
    with torch.inference_mode():
        expected = _folded(network)(torch.from_numpy(images)).numpy()
    outputs = ReferenceEvaluator(str(path)).run(["preds"], {"images": images})
    return float(np.abs(expected - np.asarray(list(outputs)[0])).max())


def _folded(network: QualityNet) -> QualityNet:
    """A copy on the CPU whose convolutions carry their batch norms."""
    copied: QualityNet = copy.deepcopy(network).cpu().float().eval()
    for unit in copied.modules():
        if isinstance(unit, ConvUnit):
            unit.fold()
    return copied


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the exporter's notes: they hold paths of the machine it ran on."""
    for named in (*model.graph.node, *model.graph.value_info, *model.graph.initializer):
        named.ClearField("metadata_props")
        named.ClearField("doc_string")
    for field in ("metadata_props", "doc_string"):
        model.graph.ClearField(field)
        model.ClearField(field)
    for value in (*model.graph.input, *model.graph.output):
        value.ClearField("metadata_props")
    return model
