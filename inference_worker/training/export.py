"""Turn a trained network into ONNX and prove that nothing was lost."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnxruntime import InferenceSession
from torch import Tensor
from torch.nn import functional

from inference_worker.engine.notes import SCHEMA_NOTE
from inference_worker.training.errors import TrainingFailed
from inference_worker.training.network import GRANULE, ConvUnit, QualityNet

OPSET = 20
SIZES = (512, 640, 1024)
TOLERANCE = 1e-3  # of a score
_BOX_TOLERANCE = 5e-3  # pixels: float32 knows no more of a place 1,000 pixels away
_SEEN = 0.01  # the least score of a box that anybody will ever look at

log = logging.getLogger(__name__)


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
    labels = {SCHEMA_NOTE: "1", "names": json.dumps(list(classes))}
    onnx.helper.set_model_props(model, labels)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def differences(
    network: QualityNet, model: bytes, pictures: Tensor
) -> dict[int, float]:
    """How far ONNX and torch are apart on pictures (N, channels, H, W), at most,
    for each of SIZES: in score, and in pixels where anything scores.

    Raises TrainingFailed beyond tolerance: such a file must not be released.
    """
    folded = _folded(network)
    session = InferenceSession(model, providers=["CPUExecutionProvider"])
    found = {}
    for size in SIZES:
        images = functional.interpolate(pictures, (size, size), mode="bilinear")
        with torch.inference_mode():
            expected = folded(images).numpy()
        (preds,) = session.run(["preds"], {"images": images.numpy()})
        found[size] = _difference(expected, np.asarray(preds))
    log.info("ONNX and torch differ by %.1e at most", max(found.values()))
    return found


def _difference(
    expected: npt.NDArray[np.float32], preds: npt.NDArray[np.float32]
) -> float:
    apart = np.abs(expected - preds)
    seen = expected[..., 4:].max(2) >= _SEEN
    scores, boxes = float(apart[..., 4:].max()), apart[..., :4][seen]
    pixels = float(boxes.max()) if boxes.size else 0.0
    if scores > TOLERANCE or pixels > _BOX_TOLERANCE:
        raise TrainingFailed(
            f"the ONNX file is off by {scores:.1e} in score, {pixels:.1e} pixels",
            "The weights ran away (take a smaller --learning-rate), or the exporter"
            " is not the one of requirements-train.txt.",
        )
    return max(scores, pixels)


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
