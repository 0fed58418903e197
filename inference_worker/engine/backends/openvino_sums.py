"""Whether OpenVINO adds products of signed int8 up right on this processor.

Without instructions for it (VNNI, AMX, Arm's dot product) its kernels add pairs of
products in 16 bits. Signed activations are shifted by 128 for that, and where weights
fill their 8 bits the pairs saturate: a convolution of random weights was off by a
tenth of its signal's strength (AMD Zen 3). No name of a processor or of an instruction
says so for each version of OpenVINO, and ONEDNN_MAX_CPU_ISA changes it: so it is asked
to add up what is known.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from inference_worker.engine.backends.openvino_core import core

_PLANES = 32
_LARGEST = 127


@cache
def signed_sums_saturate() -> bool:
    """Asked once a process: a graph of one convolution, in milliseconds."""
    compiled = core().compile_model(
        core().read_model(_largest_sums()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    half = np.full((1, _PLANES, 8, 8), _LARGEST / 2, np.float32)
    found = compiled([half, half])[0]
    expected = _PLANES * _LARGEST * _LARGEST
    return bool(np.abs(found / expected - 1).max() > 0.01)


def _largest_sums() -> bytes:
    """The sum of two inputs, in int8 to a convolution whose products are largest."""
    nodes = [
        helper.make_node("Add", ["a", "b"], ["both"]),
        helper.make_node("QuantizeLinear", ["both", "one", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "one", "zero"], ["d"]),
        helper.make_node("DequantizeLinear", ["w", "one", "zero"], ["w.d"]),
        helper.make_node("Conv", ["d", "w.d"], ["y"]),
    ]
    weights = np.full((_PLANES, _PLANES, 1, 1), _LARGEST, np.int8)
    constants: dict[str, Any] = {
        "one": np.float32(1),
        "zero": np.int8(0),
        "w": weights,
    }
    shape: list[Any] = ["N", _PLANES, "H", "W"]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "aby"
    ]
    graph = helper.make_graph(
        nodes,
        "largest sums",
        ends[:2],
        ends[2:],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return bytes(model.SerializeToString())
