"""Nodes to put before and behind a foreign graph.

Only operators that OpenVINO, ONNX Runtime and TensorRT all run: no suppression, no
loops. Every name that is made here begins with PREFIX, every foreign one with FOREIGN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

PREFIX, FOREIGN = "causeline/", "imported/"
IMAGES, PREDS = "images", "preds"


class Nodes:
    """A list of nodes and constants that grows; each method gives a value's name."""

    def __init__(self, stage: str) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._prefix = f"{PREFIX}{stage}/"

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{self._prefix}{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def constant(self, value: ArrayLike, kind: Any = np.float32) -> str:
        name = f"{self._prefix}constant_{len(self.constants)}"
        array = np.asarray(value, kind)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def whole(self, *values: int) -> str:
        """(len(values),) int64."""
        return self.constant(values, np.int64)

    def cut(self, value: str, start: int, stop: int, axis: int = 2) -> str:
        """`value[..., start:stop]` along `axis`."""
        ends = (self.whole(start), self.whole(stop), self.whole(axis))
        return self.op("Slice", value, *ends)

    def rest(self, value: str, start: int, axis: int = 2) -> str:
        return self.cut(value, start, np.iinfo(np.int64).max, axis)

    def floats(self, value: str) -> str:
        return self.op("Cast", value, to=TensorProto.FLOAT)

    def corners(self, boxes: str) -> str:
        """(N, A, 4) centre and size to left, top, right, bottom."""
        centre, size = self.cut(boxes, 0, 2), self.cut(boxes, 2, 4)
        half = self.op("Mul", size, self.constant(0.5))
        near, far = self.op("Sub", centre, half), self.op("Add", centre, half)
        return self.op("Concat", near, far, axis=2)

    def best(self, values: str, count: int) -> tuple[str, str]:
        """The `count` highest of (N, M), best first, and their places: (N, count)."""
        highest = self.op("TopK", values, self.whole(count), axis=1)
        places = f"{highest}_places"
        self.nodes[-1].output.append(places)
        return highest, places

    def one_hot(self, score: str, label: str, places: Sequence[int]) -> str:
        """(N, A, 1) scores and labels to (N, A, len(places)): each score in the column
        of its label, zero in the others.
        """
        columns = self.constant(np.reshape(places, (1, 1, -1)))
        apart = self.op("Abs", self.op("Sub", label, columns))
        here = self.op("Less", apart, self.constant(0.5))
        return self.op("Mul", score, self.floats(here))


def opened(model: Any) -> Any:
    """A copy whose values and nodes are all named FOREIGN and what they were called."""
    return onnx.compose.add_prefix(model, FOREIGN)


def joined(
    foreign: Any, before: Nodes, after: Nodes, shape: Sequence[int | str], width: int
) -> Any:
    """One graph `images` of `shape` to `preds` (N, A, width): what is before, what
    `opened` gave, what is behind, without the nodes that nothing needs.
    """
    graph = foreign.graph
    stored = [*graph.initializer, *before.constants, *after.constants]
    every = [*before.nodes, *graph.node, *after.nodes]
    nodes, used = _needed(every, PREDS)
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "imported",
        [value(IMAGES, TensorProto.FLOAT, shape)],
        [value(PREDS, TensorProto.FLOAT, [shape[0], "anchors", width])],
        [tensor for tensor in stored if tensor.name in used],
        sparse_initializer=graph.sparse_initializer,
    )
    model = helper.make_model(made, opset_imports=foreign.opset_import)
    model.functions.extend(foreign.functions)
    model.ir_version = foreign.ir_version
    return model


def _needed(nodes: Sequence[Any], wanted: str) -> tuple[list[Any], set[str]]:
    """The nodes that `wanted` is computed by, in their order, and what they use."""
    used = {wanted}
    kept = []
    for node in reversed(nodes):
        if used.intersection(node.output):
            kept.append(node)
            used.update(_reads(node))
    return kept[::-1], used


def _reads(node: Any) -> set[str]:
    """What a node takes, inside its subgraphs too."""
    names = set(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            names.update(name for inner in graph.node for name in _reads(inner))
            names.update(one.name for one in graph.output)
    return names - {""}
