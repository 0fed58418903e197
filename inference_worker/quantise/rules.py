"""What a quantised graph must look like for every backend to take it.

TensorRT refuses zero points other than 0 and types other than int8, and has no
dequantised int32 biases; the rest keeps accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from inference_worker.engine.backends.openvino_int8 import DEQUANTISE, QUANTISE
from inference_worker.engine.errors import LoadFailed
from inference_worker.engine.visible import first_line
from inference_worker.quantise.errors import RulesBroken
from inference_worker.quantise.graph import CONVOLUTION, behind, last_convolutions

_HALF_FROM = 19  # the first opset whose scales may be float16


def check_rules(model: bytes) -> None:
    """Raises RulesBroken, which tells the first fault, and LoadFailed for no ONNX."""
    try:
        broken = faults(onnx.load_model_from_string(model))
    except DecodeError as error:
        raise LoadFailed(f"it is no ONNX file: {first_line(error)}") from error
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise RulesBroken(f"{broken[0]}{more}")


def faults(model: ModelProto) -> list[str]:
    """What is wrong, a sentence each; nothing for a sound graph."""
    return list(_faults(model))


def _faults(model: ModelProto) -> Iterator[str]:
    graph = _Graph.of(model.graph)
    pairs = [n for n in model.graph.node if n.op_type in (QUANTISE, DEQUANTISE)]
    if not pairs:
        yield "nothing is quantised"
    for node in pairs:
        yield from _of_node(graph, node)
    yield from _of_pairs(graph, model.graph)
    yield from _of_convolutions(model.graph)
    yield from _of_head(model.graph)
    half = any(graph.scale(node).dtype == np.float16 for node in pairs)
    opset = max(
        (one.version for one in model.opset_import if not one.domain), default=0
    )
    if half and opset < _HALF_FROM:
        yield f"float16 scales need opset {_HALF_FROM}, the model has {opset}"


@dataclass(frozen=True)
class _Graph:
    constants: dict[str, TensorProto]

    @classmethod
    def of(cls, graph: GraphProto) -> _Graph:
        return cls({one.name: one for one in graph.initializer})

    def value(self, name: str) -> NDArray[np.generic]:
        """Empty for what is no constant."""
        if name not in self.constants:
            return np.zeros(0)
        return np.asarray(numpy_helper.to_array(self.constants[name]))

    def scale(self, node: NodeProto) -> NDArray[np.generic]:
        return self.value(node.input[1])

    def alike(self, one: NodeProto, other: NodeProto) -> bool:
        """Whether both scale by the same numbers."""
        pairs = zip(one.input[1:], other.input[1:], strict=False)
        return len(one.input) == len(other.input) and all(
            np.array_equal(self.value(a), self.value(b)) for a, b in pairs
        )

    def is_weight(self, node: NodeProto) -> bool:
        return node.input[0] in self.constants


def _of_node(graph: _Graph, node: NodeProto) -> Iterator[str]:
    scale = graph.scale(node).astype(np.float64)
    if not scale.size or not np.isfinite(scale).all() or (scale <= 0).any():
        yield f"{node.name}: a scale is not a number above 0"
    if len(node.input) < 3:
        yield f"{node.name}: no zero point, so uint8 is meant"
        return
    zero = graph.value(node.input[2])
    if zero.dtype != np.int8 or zero.any():
        yield f"{node.name}: the zero point is not an int8 of 0"
    if graph.is_weight(node):
        weights = graph.value(node.input[0])
        axis = next((one.i for one in node.attribute if one.name == "axis"), 1)
        if weights.dtype != np.int8:
            yield f"{node.name}: weights of {weights.dtype}"
        elif scale.shape != weights.shape[:1] or axis != 0:
            yield f"{node.name}: weights have no scale for each output channel"
    elif scale.size != 1:
        yield f"{node.name}: an activation has more than one scale"


def _of_pairs(graph: _Graph, model: GraphProto) -> Iterator[str]:
    """What is quantised is dequantised by the same scale and zero point."""
    makers = {name: node for node in model.node for name in node.output}
    for node in model.node:
        if node.op_type != DEQUANTISE or graph.is_weight(node):
            continue
        maker = makers.get(node.input[0])
        if maker is None or maker.op_type != QUANTISE:
            yield f"{node.name}: dequantises what no node quantised"
        elif not graph.alike(node, maker):
            yield f"{node.name}: another scale or zero point than {maker.name} has"


def _of_convolutions(graph: GraphProto) -> Iterator[str]:
    """Activations and weights both, or neither."""
    int8 = {n.output[0] for n in graph.node if n.op_type == DEQUANTISE}
    for node in graph.node:
        if node.op_type == CONVOLUTION:
            activations, weights = (name in int8 for name in node.input[:2])
            if activations != weights:
                float_one = "weights" if activations else "activations"
                yield f"{node.name}: its {float_one} are float, the rest is int8"


def _of_head(graph: GraphProto) -> Iterator[str]:
    """Neither what the last convolutions take nor what follows them is in int8."""
    makers = {name: node for node in graph.node for name in node.output}
    last = last_convolutions(graph)
    for node in last:
        made = [makers[name] for name in node.input if name in makers]
        if any(one.op_type == DEQUANTISE for one in made):
            yield f"{node.name}: a last convolution takes int8"
    for one in behind(graph, (name for node in last for name in node.output)):
        if one.op_type in (QUANTISE, DEQUANTISE):
            yield f"{one.name}: int8 behind the last convolutions"
