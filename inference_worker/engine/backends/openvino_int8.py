"""Give OpenVINO's CPU a quantised graph that it computes right.

A quantised file has zero points of int8 0 throughout, since TensorRT takes no others.
From that OpenVINO (2026.4) makes unsigned numbers with a zero point of 128 where it
moves the quantisation before a Concat, and convolutions that take them come out wrong:
one alone was off by 23 % of its signal's strength. So activations that cannot be
negative, as behind a ReLU, become unsigned with a zero point of 0: then it was off by
none. Scales stay; what is above 127 steps is no longer clipped. Of activations that may
be negative, those that come from a Concat are left in float, and all of them on a
processor where sums of signed products saturate (`openvino_sums`).
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
_MOVED_BY = {"Relu", "LeakyRelu", "Clip", "MaxPool", "Identity", "Reshape", "Transpose"}


def is_quantised(model: bytes) -> bool:
    """Whether a file holds such nodes. Where only a text of it names them,
    `for_openvino` changes nothing.
    """
    return QUANTISE.encode() in model


def for_openvino(model: bytes, *, signed_saturate: bool) -> bytes:
    """The same quantised model, as OpenVINO's CPU computes it right.

    `signed_saturate` says that this processor does not sum signed activations right.
    Images count among what is never negative: they are 0..1. Zero points other than 0,
    which files of ours never have, stay.
    """
    proto = onnx.load_model_from_string(model)
    graph = proto.graph
    walk = _Walk(graph)
    for node in list(graph.node):
        if node.op_type != QUANTISE or walk.never_negative(node.input[0]):
            continue
        if signed_saturate or walk.comes_from_a_concat(node.input[0]):
            _leave_in_float(graph, node)
    _make_unsigned(graph, walk)
    return bytes(proto.SerializeToString())


def _leave_in_float(graph: GraphProto, quantise: NodeProto) -> None:
    """All that took what was rounded takes what it was."""
    rounded = {
        one.output[0]
        for one in graph.node
        if one.op_type == DEQUANTISE and one.input[0] == quantise.output[0]
    }
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in rounded:
                node.input[place] = quantise.input[0]


def _make_unsigned(graph: GraphProto, walk: _Walk) -> None:
    constants = {one.name: one for one in graph.initializer}
    unsigned: dict[str, str] = {}
    for node in graph.node:
        if node.op_type not in (QUANTISE, DEQUANTISE) or len(node.input) < 3:
            continue
        zero = constants.get(node.input[2])
        if zero is None or zero.data_type != TensorProto.INT8 or _shifts(zero):
            continue
        if node.input[0] not in constants and walk.never_negative(node.input[0]):
            unsigned[zero.name] = node.input[2] = f"{zero.name}_unsigned"
    for name, other in unsigned.items():
        zeros = numpy_helper.to_array(constants[name]).astype(np.uint8)
        graph.initializer.append(numpy_helper.from_array(zeros, other))


def _shifts(zero: TensorProto) -> bool:
    return bool(numpy_helper.to_array(zero).any())


class _Walk:
    """Back from a tensor to what it is made of, as far as nodes tell.

    Without recursion: graphs may be deep.
    """

    def __init__(self, graph: GraphProto) -> None:
        self._makers = {name: node for node in graph.node for name in node.output}
        self._inputs = {one.name for one in graph.input}
        self._constants = {
            one.name: bool((numpy_helper.to_array(one) >= 0).all())
            for one in graph.initializer
            if one.data_type == TensorProto.FLOAT
        }
        self.never_negative = cache(self._never_negative)

    def comes_from_a_concat(self, name: str) -> bool:
        """Past whatever OpenVINO moves a quantisation by: each value for itself."""
        node = self._makers.get(name)
        while node is not None and node.op_type in _MOVED_BY:
            node = self._makers.get(node.input[0])
        return node is not None and node.op_type == "Concat"

    def _never_negative(self, name: str) -> bool:
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
