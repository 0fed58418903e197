"""Convolutions that apply their bias and ReLU before they write: ONNX Runtime's own
operator for it, which its optimiser makes of float32 networks alone.

Without it a float16 feature map is written by the convolution, and read and written
again for the bias and for the ReLU: on a card that is most of what a network moves.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

DOMAIN = "com.microsoft"
_ASK_NO_VALUE = ("Shape", "Size")
Node = Any


def fused(model: Any) -> Any:
    """A copy in which each Conv that only a Relu reads is one FusedConv.

    Whoever asks such a convolution for its shape asks the ReLU, which has the same.
    """
    from onnx import helper

    made = type(model)()
    made.CopyFrom(model)
    readers = _readers(made.graph)
    taken: dict[str, str] = {}  # what a convolution gave, and what stands for it
    for node in made.graph.node:
        relu = _only_relu(node, readers) if _has_bias(node) else None
        if relu is not None:
            taken[node.output[0]] = relu.output[0]
            node.op_type, node.domain = "FusedConv", DOMAIN
            node.output[0] = relu.output[0]
            node.attribute.append(helper.make_attribute("activation", "Relu"))
    if taken:
        _without_relus(made.graph, taken)
        if all(one.domain != DOMAIN for one in made.opset_import):
            made.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return made


def _readers(graph: Any) -> dict[str, list[Node]]:
    readers: dict[str, list[Node]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)
    for output in graph.output:
        readers[output.name].append(None)
    return readers


def _has_bias(node: Node) -> bool:
    return node.op_type == "Conv" and not node.domain and len(node.input) == 3


def _only_relu(node: Node, readers: dict[str, list[Node]]) -> Node | None:
    values = [
        one
        for one in readers[node.output[0]]
        if one is None or one.op_type not in _ASK_NO_VALUE
    ]
    if len(values) == 1 and values[0] is not None and values[0].op_type == "Relu":
        return values[0]
    return None


def _without_relus(graph: Any, taken: dict[str, str]) -> None:
    kept = [
        type(node).FromString(node.SerializeToString())
        for node in graph.node
        if not (node.op_type == "Relu" and node.input[0] in taken)
    ]
    for node in kept:
        node.input[:] = [taken.get(name, name) for name in node.input]
    del graph.node[:]
    graph.node.extend(kept)
