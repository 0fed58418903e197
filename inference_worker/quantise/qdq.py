"""Write what was measured into the graph, as quantise and dequantise nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, ModelProto

from inference_worker.engine.backends.openvino_int8 import DEQUANTISE, QUANTISE
from inference_worker.engine.visible import first_line
from inference_worker.quantise.errors import QuantisationError
from inference_worker.quantise.graph import CONVOLUTION, quantised_convolutions
from inference_worker.quantise.ranges import Ranges
from inference_worker.quantise.rules import faults

# What NVIDIA's ModelOpt hands to the same quantiser: symmetric, no bias in integers,
# nothing quantised that a convolution gives (its activation comes first).
_OPTIONS: dict[str, Any] = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,
    "DedicatedQDQPair": False,
    "ForceQuantizeNoInputCheck": True,
    "OpTypesToExcludeOutputQuantization": [CONVOLUTION],
    "QDQOpTypePerChannelSupportToAxis": {CONVOLUTION: 0},
}


def quantised(model: ModelProto, ranges: Ranges) -> bytes:
    """The model with its features in int8; nodes must have names.

    `ranges` holds the input tensor of every convolution that is quantised. Raises
    QuantisationError for a graph that the quantiser or ONNX's checker refuses, or where
    the result breaks the rules of `rules.py`.
    """
    names = [one.name for one in quantised_convolutions(model.graph)]
    try:
        result = _with_pairs(model, names, ranges)
        _leave_others_in_float(result.graph, names)
        _tidy(result, model)
    except Exception as error:  # of any kind: both meet graphs that nobody foresaw
        raise QuantisationError(
            f"the model cannot be quantised: {first_line(error)}",
            "Export it anew, in float32 and for a newer opset.",
        ) from error
    broken = faults(result)
    if broken:
        raise QuantisationError(f"the quantised graph is not sound: {broken[0]}")
    return bytes(result.SerializeToString(deterministic=True))


def check_quantisable(model: ModelProto) -> None:
    """QuantisationError for what `quantised` would refuse, before ranges are known."""
    layers = quantised_convolutions(model.graph)
    quantised(model, {node.input[0]: (-1.0, 1.0) for node in layers})


def _with_pairs(
    model: ModelProto, convolutions: Sequence[str], ranges: Ranges
) -> ModelProto:
    """What ONNX Runtime's quantiser makes of it."""
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    measured = TensorsData(
        CalibrationMethod.MinMax,
        {name: (np.float32(a), np.float32(b)) for name, (a, b) in ranges.items()},
    )
    quantiser = QDQQuantizer(
        onnx.shape_inference.infer_shapes(model),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8,
        tensors_range=measured,
        nodes_to_quantize=list(convolutions),
        nodes_to_exclude=[],
        op_types_to_quantize=[CONVOLUTION],
        extra_options=_OPTIONS,
    )
    quantiser.quantize_model()
    quantiser.model.topological_sort()
    result: ModelProto = quantiser.model.model
    return result


def _leave_others_in_float(graph: GraphProto, quantised: Sequence[str]) -> None:
    """The quantiser gives what it rounded to every user of a tensor; sums, pools and
    last convolutions shall see it as it was.
    """
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.name in quantised or node.op_type == QUANTISE:
            continue
        for place, name in enumerate(node.input):
            maker = makers.get(name)
            if maker is not None and maker.op_type == DEQUANTISE:
                quantise = makers.get(maker.input[0])
                if quantise is not None:
                    node.input[place] = quantise.input[0]


def _tidy(result: ModelProto, model: ModelProto) -> None:
    """The metadata and opsets of the model; without the shapes inferred meanwhile."""
    result.ClearField("metadata_props")
    result.metadata_props.extend(model.metadata_props)
    result.graph.ClearField("value_info")
    result.producer_name, result.producer_version = "causeline", ""
    used = {node.domain for node in result.graph.node}
    kept = [one for one in result.opset_import if one.domain in used]
    result.ClearField("opset_import")
    result.opset_import.extend(kept)
    onnx.checker.check_model(result, full_check=True)
