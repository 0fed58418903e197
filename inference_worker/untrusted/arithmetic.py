"""The small numbers that shapes are made of, computed from a node and what it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, TypeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

# Numbers are followed through tensors of this many elements at most.
SMALL = 4_096
# The sizes of what these give depend on numbers, not on shapes.
SELECTING = frozenset(("NonZero", "Compress"))


def sizes_of(found: TypeProto | None) -> list[int | None] | None:
    """Dimension by dimension, None for one that is not known; None without a shape."""
    if found is None or not found.tensor_type.HasField("shape"):
        return None
    return [
        dim.dim_value if dim.HasField("dim_value") else None
        for dim in found.tensor_type.shape.dim
    ]


def measured(node: NodeProto, source: TypeProto | None) -> NDArray[np.int64] | None:
    """What Shape or Size gives; None unless all sizes that it tells are known."""
    sizes = sizes_of(source)
    if sizes is None:
        return None
    if node.op_type == "Shape":
        told = {attribute.name: attribute.i for attribute in node.attribute}
        sizes = sizes[told.get("start", 0) : told.get("end", len(sizes))]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return None
    return np.array(known if node.op_type == "Shape" else math.prod(known), np.int64)


def all_selected(node: NodeProto, source: TypeProto) -> TypeProto | None:
    """The type of what a node of SELECTING gives if it selects everything."""
    sizes = sizes_of(source)
    if sizes is None or None in sizes:
        return None
    every = math.prod(size or 0 for size in sizes)
    if node.op_type == "NonZero":
        return helper.make_tensor_type_proto(TensorProto.INT64, [len(sizes), every])
    along = any(attribute.name == "axis" for attribute in node.attribute)
    kind = source.tensor_type.elem_type
    return helper.make_tensor_type_proto(kind, sizes if along else [every])


def compute(
    node: NodeProto, numbers: Mapping[str, TensorProto], opset: int
) -> list[Any]:
    """What the node gives, output by output; empty where that cannot be told."""
    names = [name for name in dict.fromkeys(node.input) if name]
    undefined = TensorProto.UNDEFINED
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(name, undefined, None) for name in names],
        [
            helper.make_tensor_value_info(name, undefined, None)
            for name in node.output
            if name
        ],
    )
    feeds = {name: numpy_helper.to_array(numbers[name]) for name in names}
    try:
        evaluator = ReferenceEvaluator(graph, opsets={"": opset})
        found = iter(evaluator.run(None, feeds))
    # Whatever it cannot compute stays unknown.
    except Exception:
        return []
    return [next(found) if name else None for name in node.output]
