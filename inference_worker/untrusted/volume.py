"""How large everything becomes that a model computes, before anything computes it.

A runtime folds constants when it loads a model: forty bytes that say "expand 1 to a
million times a million" are enough to take a machine down. So the graph is walked
with the shapes, and the small numbers that shapes are made of, and nothing else.
Dimensions that an input leaves free are taken as BATCH (the first) and SIDE: what
is computed from them is known for these, and a guess for others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, TypeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.shape_inference import infer_node_outputs

from inference_worker.untrusted.contents import opset
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import Limits
from inference_worker.untrusted.tensors import check_type, named

BATCH, SIDE = 1, 640
# Numbers are followed through tensors of this many elements at most.
SMALL = 4_096
_STORED_TIMES = 4
# The sizes of these depend on numbers, not on shapes, and never exceed the input's.
_SELECTING = frozenset(("NonZero", "Compress"))


def check_volume(model: ModelProto, stored: Mapping[str, int], limits: Limits) -> None:
    """`stored`: the names of the initialisers and their elements, which may stand
    among the model's inputs. Raises ModelRefused: computed_too_large,
    constants_too_large, constants_unbounded, or an element type.
    """
    walk = _Walk(model, stored, limits)
    for index, node in enumerate(model.graph.node):
        walk.pass_(node, f"node {index:,} ({node.op_type})")


class _Walk:
    """What is known of every value so far: type, numbers, whether it is constant."""

    def __init__(
        self, model: ModelProto, stored: Mapping[str, int], limits: Limits
    ) -> None:
        self._limits = limits
        self._opset, self._ir = opset(model), model.ir_version
        self._constants_left = limits.constants + _STORED_TIMES * sum(stored.values())
        self._constant = set(stored)
        self._types: dict[str, TypeProto] = _nominal(model)
        self._numbers: dict[str, TensorProto] = {}
        for tensor in model.graph.initializer:
            self._types[tensor.name] = helper.make_tensor_type_proto(
                tensor.data_type, tensor.dims
            )
            if math.prod(tensor.dims) <= SMALL:
                self._numbers[tensor.name] = tensor

    def pass_(self, node: NodeProto, where: str) -> None:
        names = [name for name in node.input if name]
        constant = self._constant.issuperset(names)
        if constant:
            self._constant.update(node.output)
        types = self._infer(node, names)
        known = all(name in self._numbers for name in names)
        for name in filter(None, node.output):
            elements = _elements(types.get(name), where)
            if elements is None and known and node.op_type in _SELECTING:
                elements = SMALL
            self._bound(elements, constant, f"{named('value', name)} of {where}")
            if constant and node.op_type != "Constant":
                self._constants_left -= elements or 0
                self._check_constants(where)
        self._types.update(types)
        self._follow(node, types, known)

    def _infer(self, node: NodeProto, names: list[str]) -> dict[str, TypeProto]:
        """The types of its outputs; empty where they cannot be told."""
        if any(name not in self._types for name in names):
            return {}
        schema = onnx.defs.get_schema(node.op_type, self._opset, "")
        try:
            found: dict[str, TypeProto] = infer_node_outputs(
                schema,
                node,
                {name: self._types[name] for name in names},
                {name: self._numbers[name] for name in names if name in self._numbers},
                opset_imports=[helper.make_opsetid("", self._opset)],
                ir_version=self._ir,
            )
        # The nominal sizes need not suit the model; bindings raise what they like.
        except (
            RuntimeError,
            ValueError,
            TypeError,
            onnx.shape_inference.InferenceError,
        ):
            return {}
        return found

    def _bound(self, elements: int | None, constant: bool, where: str) -> None:
        if elements is None:
            if constant:
                text = f"{where} is constant, but its size cannot be told"
                raise ModelRefused(
                    Reason.CONSTANTS_UNBOUNDED,
                    text,
                    "Simplify the model (onnxslim or onnxsim) before the import.",
                )
        elif elements > self._limits.elements:
            text = f"{where} would have {elements:,} elements"
            raise ModelRefused(Reason.COMPUTED_TOO_LARGE, text)

    def _check_constants(self, where: str) -> None:
        if self._constants_left < 0:
            text = f"the constants computed up to {where} are too large"
            raise ModelRefused(Reason.CONSTANTS_TOO_LARGE, text)

    def _follow(
        self, node: NodeProto, types: Mapping[str, TypeProto], known: bool
    ) -> None:
        """Computes small numbers from small numbers."""
        if node.op_type == "Shape" and node.input[0] in self._types:
            self._take(node, [_shape_of(node, self._types[node.input[0]])])
            return
        sizes = [_elements(types.get(name), "") for name in node.output if name]
        small = all(n is not None and n <= SMALL for n in sizes)
        if known and (small or node.op_type in _SELECTING):
            self._take(node, self._compute(node))

    def _take(self, node: NodeProto, results: list[NDArray[Any] | None]) -> None:
        for name, result in zip(node.output, results, strict=False):
            if name and isinstance(result, np.ndarray | np.generic):
                tensor = numpy_helper.from_array(np.asarray(result), name)
                self._numbers[name] = tensor
                self._types[name] = helper.make_tensor_type_proto(
                    tensor.data_type, tensor.dims
                )

    def _compute(self, node: NodeProto) -> list[Any]:
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
        feeds = {name: numpy_helper.to_array(self._numbers[name]) for name in names}
        try:
            evaluator = ReferenceEvaluator(graph, opsets={"": self._opset})
            found = iter(evaluator.run(None, feeds))
        # Whatever it cannot compute stays unknown.
        except Exception:
            return []
        return [next(found) if name else None for name in node.output]


def _nominal(model: ModelProto) -> dict[str, TypeProto]:
    """The types of the inputs, their free dimensions filled in."""
    sizes: dict[str, int] = {}
    types = {}
    for value in model.graph.input:
        tensor = value.type.tensor_type
        if not tensor.HasField("shape"):
            types[value.name] = value.type
            continue
        shape = []
        for axis, dim in enumerate(tensor.shape.dim):
            size = SIDE if axis else BATCH
            if dim.HasField("dim_value"):
                size = dim.dim_value
            elif dim.dim_param:
                size = sizes.setdefault(dim.dim_param, size)
            shape.append(size)
        types[value.name] = helper.make_tensor_type_proto(tensor.elem_type, shape)
    return types


def _elements(found: TypeProto | None, where: str) -> int | None:
    """None unless every dimension is known."""
    if found is None or found.WhichOneof("value") is None:
        return None
    if found.WhichOneof("value") != "tensor_type":
        raise ModelRefused(Reason.ELEMENT_TYPE, f"{where} gives no tensor")
    if found.tensor_type.elem_type:
        check_type(found.tensor_type.elem_type, f"what {where} gives")
    if not found.tensor_type.HasField("shape"):
        return None
    dims = found.tensor_type.shape.dim
    if any(not dim.HasField("dim_value") for dim in dims):
        return None
    sizes: list[int] = [dim.dim_value for dim in dims]
    return math.prod(sizes)


def _shape_of(node: NodeProto, source: TypeProto) -> NDArray[np.int64] | None:
    if _elements(source, "") is None:
        return None
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    dims = [dim.dim_value for dim in source.tensor_type.shape.dim]
    return np.array(
        dims[attributes.get("start", 0) : attributes.get("end", len(dims))], np.int64
    )
