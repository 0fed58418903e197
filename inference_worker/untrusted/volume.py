"""How large everything becomes that a model computes, before anything computes it.

A runtime folds constants when it loads a model: forty bytes that say "expand 1 to a
million times a million" are enough to take a machine down. So the graph is walked
with the shapes, and the small numbers that shapes are made of, and nothing else.
Dimensions that an input leaves free are taken as some size (`shapes.nominal`): what is
computed from them is known for it, and a guess for others.

Sizes are constants too, and so is all that is made of them: `Shape` of an input that
tells its size is folded when the model is loaded, any other as soon as sizes are fixed.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, TypeProto, helper, numpy_helper
from onnx.shape_inference import infer_node_outputs

from inference_worker.untrusted.arithmetic import (
    SELECTING,
    SMALL,
    all_selected,
    compute,
    measured,
    sizes_of,
)
from inference_worker.untrusted.contents import opset
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.growth import Seen
from inference_worker.untrusted.limits import Limits
from inference_worker.untrusted.shapes import elements_of, nominal
from inference_worker.untrusted.tensors import named
from inference_worker.untrusted.work import multiplications

_STORED_TIMES = 4
# Of what these take only the size counts, whatever numbers it holds.
_MEASURING = frozenset(("Shape", "Size", "EyeLike"))


class _When(IntEnum):
    """The earliest that a runtime may compute a value: the least of its inputs'."""

    RUN = 0
    SIZED = 1  # when the free dimensions of the inputs are fixed
    LOAD = 2


def check_volume(model: ModelProto, stored: Mapping[str, int], limits: Limits) -> None:
    """`model` with the shapes that ONNX infers. `stored`: the names of the initialisers
    and their elements, which may stand among the model's inputs.

    Raises ModelRefused: computed_too_large, constants_too_large, constants_unbounded,
    too_much_work, size_from_pixels, a dimension or an element type.
    """
    walk = _Walk(model, stored, limits)
    seen = Seen(one.name for one in model.graph.input if one.name not in stored)
    for index, node in enumerate(model.graph.node):
        where = f"node {index:,} ({node.op_type})"
        walk.pass_(node, where)
        seen.pass_(node, where)


class _Walk:
    """What is known of every value so far: type, numbers, when it is computed.

    `_types` are those at the nominal sizes, `_told` what ONNX infers, or the file says,
    at any size. The size of a value in `_open` rests on a free dimension.
    """

    def __init__(
        self, model: ModelProto, stored: Mapping[str, int], limits: Limits
    ) -> None:
        graph = model.graph
        self._limits = limits
        self._opset, self._ir = opset(model), model.ir_version
        self._constants_left = limits.constants + _STORED_TIMES * sum(stored.values())
        self._work_left = limits.multiplications
        self._when = dict.fromkeys(stored, _When.LOAD)
        self._told: dict[str, TypeProto] = {
            value.name: value.type
            for value in (*graph.input, *graph.value_info, *graph.output)
        }
        self._open = {v.name for v in graph.input if elements_of(v.type) is None}
        self._types: dict[str, TypeProto] = nominal(model)
        self._numbers: dict[str, TensorProto] = {}
        for tensor in graph.initializer:
            self._types[tensor.name] = helper.make_tensor_type_proto(
                tensor.data_type, tensor.dims
            )
            if math.prod(tensor.dims) <= SMALL:
                self._numbers[tensor.name] = tensor

    def pass_(self, node: NodeProto, where: str) -> None:
        names = [name for name in node.input if name]
        when = self._computed(node, names)
        types = self._infer(node, names, when)
        still_open = not self._open.isdisjoint(names)
        for name in filter(None, node.output):
            if still_open and elements_of(self._told.get(name)) is None:
                self._open.add(name)
            self._check_dimensions(name, types.get(name), where)
            elements = elements_of(types.get(name), where)
            # What holds nothing is as good as stored.
            nothing = elements == 0 and name not in self._open
            self._when[name] = _When.LOAD if nothing else when
            self._bound(elements, when, f"{named('value', name)} of {where}")
            if when != _When.RUN and node.op_type != "Constant":
                self._constants_left -= elements or 0
                self._check_constants(where)
        self._work_left -= multiplications(node, ChainMap(types, self._types))
        self._check_work(where)
        self._types.update(types)
        self._follow(node, types)

    def _computed(self, node: NodeProto, names: list[str]) -> _When:
        # Of what it casts like, the type is all that matters.
        fed = names[:1] if node.op_type == "CastLike" else names
        whens = [self._when.get(name, _When.RUN) for name in fed]
        when = min(whens, default=_When.LOAD)
        if node.op_type in _MEASURING:
            return max(when, self._measurable(node))
        return when

    def _measurable(self, node: NodeProto) -> _When:
        name = node.input[0]
        told, nominal = self._told.get(name), self._types.get(name)
        if measured(node, told) is not None:
            return _When.LOAD
        if measured(node, nominal) is not None:
            return _When.SIZED if name in self._open else _When.LOAD
        return _When.RUN

    def _infer(
        self, node: NodeProto, names: list[str], when: _When
    ) -> dict[str, TypeProto]:
        """The types of its outputs, without those that cannot be told."""
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
        if node.op_type in SELECTING and when != _When.RUN:
            most = all_selected(node, self._types[node.input[0]])
            return found if most is None else {node.output[0]: most}
        return found

    def _bound(self, elements: int | None, when: _When, where: str) -> None:
        if elements is None:
            if when == _When.LOAD:
                text = f"{where} is constant, but its size cannot be told"
                raise ModelRefused(
                    Reason.CONSTANTS_UNBOUNDED,
                    text,
                    "Simplify the model (onnxslim or onnxsim) before the import.",
                )
        elif elements > self._limits.elements:
            text = f"{where} would have {elements:,} elements"
            raise ModelRefused(Reason.COMPUTED_TOO_LARGE, text)

    def _check_dimensions(self, name: str, found: TypeProto | None, where: str) -> None:
        """Those at nominal sizes need not suit the model."""
        least = min((size or 0 for size in sizes_of(found) or ()), default=0)
        if least < 0 and name not in self._open:
            text = (
                f"{named('value', name)} of {where} would have a dimension of {least:,}"
            )
            raise ModelRefused(Reason.DIMENSION, text)

    def _check_work(self, where: str) -> None:
        if self._work_left < 0:
            most = self._limits.multiplications
            text = f"up to {where} it would multiply more than {most:,} times an image"
            raise ModelRefused(
                Reason.TOO_MUCH_WORK, text, "Export it for smaller images."
            )

    def _check_constants(self, where: str) -> None:
        if self._constants_left < 0:
            text = f"the constants computed up to {where} are too large"
            raise ModelRefused(Reason.CONSTANTS_TOO_LARGE, text)

    def _follow(self, node: NodeProto, types: Mapping[str, TypeProto]) -> None:
        """Computes small numbers from small numbers."""
        if node.op_type in ("Shape", "Size"):
            name = node.input[0]
            nominal = measured(node, self._types.get(name))
            told = measured(node, self._told.get(name))
            self._take(node, [told if nominal is None else nominal])
        elif all(name in self._numbers for name in node.input if name):
            sizes = [elements_of(types.get(name)) for name in node.output if name]
            small = all(n is not None and n <= SMALL for n in sizes)
            if small or node.op_type in SELECTING:
                self._take(node, compute(node, self._numbers, self._opset))

    def _take(self, node: NodeProto, results: list[NDArray[Any] | None]) -> None:
        for name, result in zip(node.output, results, strict=False):
            if name and isinstance(result, np.ndarray | np.generic):
                tensor = numpy_helper.from_array(np.asarray(result), name)
                self._numbers[name] = tensor
                self._types[name] = helper.make_tensor_type_proto(
                    tensor.data_type, tensor.dims
                )
