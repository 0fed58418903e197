"""Let OpenVINO's CPU see that activations behind a ReLU are never negative.

A quantised file has zero points of int8 0 throughout, since TensorRT takes no others.
From that OpenVINO (2026.4) makes unsigned numbers with a zero point of 128 where it
moves the quantisation before a Concat, and convolutions that take them come out wrong:
one alone was off by 23 % of its signal's strength, where the same numbers as unsigned
with a zero point of 0 were off by none. Scales stay, so what is below 127 steps is the
same; what is above is no longer clipped.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, numpy_helper

QUANTISE, DEQUANTISE = "QuantizeLinear", "DequantizeLinear"

_NEVER_NEGATIVE = {"Relu", "Sigmoid", "HardSigmoid", "Softplus", "Softmax", "Abs"}
_AS_THEIR_INPUT = {
    *(QUANTISE, DEQUANTISE, "Identity", "Split", "Slice", "Reshape", "Transpose"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceMax"),
    *("Flatten", "Squeeze", "Unsqueeze"),
}
_AS_ALL_INPUTS = {"Concat", "Add", "Mul", "Max"}


def with_unsigned_activations(model: bytes) -> bytes:
    """The same quantised model, activations that cannot be negative in uint8.

    Images count among them: they are 0..1. What cannot be told stays int8.
    """
    proto = onnx.load_model_from_string(model)
    graph = proto.graph
    never_negative = _Signs(graph).never_negative
    constants = {one.name: one for one in graph.initializer}
    unsigned: dict[str, str] = {}
    for node in graph.node:
        if node.op_type not in (QUANTISE, DEQUANTISE) or len(node.input) < 3:
            continue
        zero = constants.get(node.input[2])
        if zero is None or zero.data_type != TensorProto.INT8:
            continue
        if node.input[0] not in constants and never_negative(node.input[0]):
            unsigned[zero.name] = node.input[2] = f"{zero.name}_unsigned"
    for name, other in unsigned.items():
        zeros = numpy_helper.to_array(constants[name]).astype(np.uint8)
        graph.initializer.append(numpy_helper.from_array(zeros, other))
    return bytes(proto.SerializeToString())


class _Signs:
    """Which tensors of a graph hold nothing below 0, as far as its nodes tell."""

    def __init__(self, graph: GraphProto) -> None:
        self._makers = {name: node for node in graph.node for name in node.output}
        self._inputs = {one.name for one in graph.input}
        self._constants = {
            one.name: bool((numpy_helper.to_array(one) >= 0).all())
            for one in graph.initializer
            if one.data_type == TensorProto.FLOAT
        }
        self.never_negative = cache(self._never_negative)

    def _never_negative(self, name: str) -> bool:
        """Walks back without recursion: graphs may be deep."""
        waiting, seen = [name], {name}
        while waiting:
            one = waiting.pop()
            if one in self._inputs or self._constants.get(one, False):
                continue
            node = self._makers.get(one)
            sources = None if node is None else _sources(node)
            if sources is None:
                return False
            waiting.extend(source for source in sources if source not in seen)
            seen.update(sources)
        return True


def _sources(node: NodeProto) -> list[str] | None:
    """What must be positive for the node's output to be; None where it may not be."""
    if node.op_type in _NEVER_NEGATIVE:
        return []
    if node.op_type in _AS_THEIR_INPUT:
        return [node.input[0]]
    if node.op_type == "Resize":
        cubic = any(one.s == b"cubic" for one in node.attribute if one.name == "mode")
        return None if cubic else [node.input[0]]
    return list(node.input) if node.op_type in _AS_ALL_INPUTS else None
