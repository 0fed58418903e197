"""Which nodes of a detector compute features, and which turn them into boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper
from onnx.helper import get_attribute_value as get_attribute

from inference_worker.quantise.errors import QuantisationError

CONVOLUTION = "Conv"

_NUMBERS = {
    "value_float": np.float32,
    "value_floats": np.float32,
    "value_int": np.int64,
    "value_ints": np.int64,
}
"""How a Constant may hold its value without a tensor, and of what type that is."""

_FEWEST_STEPS = 2  # between two weights any step is even
_EVEN = 0.02  # what float16 may do to steps between sixteen places


def prepared(model: ModelProto) -> ModelProto:
    """A copy to work on: constants are initialisers, nodes have names of their own."""
    return with_names(with_initialisers(model))


def with_initialisers(model: ModelProto) -> ModelProto:
    """A copy in which Constant nodes, and Identity nodes of constants, are
    initialisers: only what is one is known to be a weight.
    """
    copied = ModelProto()
    copied.CopyFrom(model)
    graph = copied.graph
    known = {one.name: one for one in graph.initializer}
    outputs = {one.name for one in graph.output}
    kept = []
    for node in graph.node:
        value = _constant(node, known)
        if value is None or node.output[0] in outputs:
            kept.append(NodeProto.FromString(node.SerializeToString()))
        else:
            known[node.output[0]] = graph.initializer.add()
            known[node.output[0]].CopyFrom(value)
            known[node.output[0]].name = node.output[0]
    del graph.node[:]
    graph.node.extend(kept)
    return copied


def _constant(node: NodeProto, known: Mapping[str, TensorProto]) -> TensorProto | None:
    """What the node gives whatever the model is given; None where that may differ, or
    is not numbers.
    """
    if node.op_type == "Identity":
        return known.get(node.input[0])
    if node.op_type != "Constant":
        return None
    (told,) = node.attribute
    if told.name == "value":
        tensor: TensorProto = told.t
        return tensor
    if told.name not in _NUMBERS:
        return None
    return numpy_helper.from_array(np.array(get_attribute(told), _NUMBERS[told.name]))


def with_names(model: ModelProto) -> ModelProto:
    """A copy whose nodes all have a name of their own."""
    named = ModelProto()
    named.CopyFrom(model)
    taken: set[str] = set()
    for i, node in enumerate(named.graph.node):
        if not node.name or node.name in taken:
            node.name = f"node_{i}_{node.op_type}"
        taken.add(node.name)
    return named


def last_convolutions(graph: GraphProto) -> list[NodeProto]:
    """Those from which the outputs are reached without another one, in graph order.

    Networks with distributions for sides (DFL) compute their mean by one behind their
    last convolutions: that one computes no features, and is none (see _is_mean).
    """
    layers = {node.output[0] for node in _layers(graph)}
    last: list[NodeProto] = []
    lead_on: set[str] = set()  # tensors from which one more is reached
    for node in reversed(graph.node):
        leads_on = not lead_on.isdisjoint(node.output)
        is_layer = node.op_type == CONVOLUTION and node.output[0] in layers
        if is_layer and not leads_on:
            last.append(node)
        if is_layer or leads_on:
            lead_on.update(node.input)
    return last[::-1]


def _layers(graph: GraphProto) -> list[NodeProto]:
    """Convolutions that compute features."""
    stored = {one.name: one for one in graph.initializer}
    return [
        node
        for node in graph.node
        if node.op_type == CONVOLUTION and not _is_mean(stored.get(node.input[1]))
    ]


def _is_mean(weights: TensorProto | None) -> bool:
    """Whether it weighs channels by 0, 1, 2 ... or other evenly spaced numbers, as the
    mean of a distribution over places is computed. A head of one class has weights of
    the same shape, (1, channels, 1, 1), but learnt ones.
    """
    if weights is None or weights.dims[:1] != [1] or weights.dims[2:] != [1, 1]:
        return False
    steps = np.diff(numpy_helper.to_array(weights).astype(np.float64).reshape(-1))
    even = np.allclose(steps, steps.mean(), rtol=_EVEN, atol=0) if len(steps) else False
    return len(steps) >= _FEWEST_STEPS and bool(steps.all()) and even


def behind(graph: GraphProto, tensors: Iterable[str]) -> list[NodeProto]:
    """All nodes that use these tensors or what is made of them, in graph order."""
    users: dict[str, list[int]] = defaultdict(list)
    for i, node in enumerate(graph.node):
        for name in node.input:
            users[name].append(i)
    waiting, found = list(tensors), set[int]()
    while waiting:
        for i in users[waiting.pop()]:
            if i not in found:
                found.add(i)
                waiting.extend(graph.node[i].output)
    return [graph.node[i] for i in sorted(found)]


def before(graph: GraphProto, nodes: Iterable[NodeProto]) -> set[int]:
    """The indices of these nodes and of all that they need."""
    makers = {name: i for i, node in enumerate(graph.node) for name in node.output}
    waiting = [makers[node.output[0]] for node in nodes]
    found = set(waiting)
    while waiting:
        for name in graph.node[waiting.pop()].input:
            if name in makers and makers[name] not in found:
                found.add(makers[name])
                waiting.append(makers[name])
    return found


def quantised_convolutions(graph: GraphProto) -> list[NodeProto]:
    """The others, but for those whose weights are computed. Raises QuantisationError
    for a graph that has none, that was quantised before, or whose weights are not in
    float32.
    """
    if any(node.op_type == "QuantizeLinear" for node in graph.node):
        raise QuantisationError("the model is quantised already")
    last = {node.output[0] for node in last_convolutions(graph)}
    stored = {one.name: one.data_type for one in graph.initializer}
    found = [
        node
        for node in _layers(graph)
        if node.output[0] not in last and node.input[1] in stored
    ]
    if not found:
        raise QuantisationError("the model has no convolution that could be quantised")
    for node in found:
        _require_float32(node.input[1], stored[node.input[1]])
    return found


def _require_float32(weights: str, kind: int) -> None:
    if kind != TensorProto.FLOAT:
        name = TensorProto.DataType.Name(kind).lower()
        raise QuantisationError(
            f"{weights}: weights of {name}; int8 is made of a model in float32",
            "Export the model in float32 (without half), and import that.",
        )
