"""A network rewritten for one shape of input, and for planes that are half floats.

With every size known a runtime folds away what only counts sizes, and what is left can
be recorded and played back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from inference_worker.engine.errors import EngineError, LoadFailed

_ASK_NO_TYPE = ("Shape", "Size")


class Network:
    """An ONNX graph of one input, to be had `at` any shape."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def of(cls, model: bytes, half: bool) -> Self:
        """`half` converts features, and the input with them, to float16; boxes and
        scores stay float32. Raises LoadFailed.
        """
        import onnx

        try:
            graph = onnx.load_from_string(model)
        except Exception as error:  # protobuf's own
            raise LoadFailed(f"this is no ONNX file: {error}") from error
        if len(graph.graph.input) != 1:
            raise LoadFailed("the graph takes more than one input")
        if half:
            graph = _halved(graph)
        return cls(graph)

    def dynamic(self) -> bytes:
        """The graph for all the shapes that it takes."""
        return bytes(self._model.SerializeToString())

    def at(self, shape: Sequence[int]) -> bytes:
        """The graph for that shape alone."""
        source = self._model.graph.input[0].type.tensor_type.shape
        fixed = type(self._model)()
        fixed.CopyFrom(self._model)
        fixed.graph.ClearField("value_info")
        for output in fixed.graph.output:
            output.type.tensor_type.ClearField("shape")
        dimensions = fixed.graph.input[0].type.tensor_type.shape.dim
        if len(source.dim) != len(shape):
            raise LoadFailed(f"the graph takes {len(source.dim)} axes, not {shape}")
        for dimension, size in zip(dimensions, shape, strict=True):
            if dimension.dim_value not in (0, size):
                raise LoadFailed(f"the graph takes {dimension.dim_value}, not {shape}")
            dimension.dim_value = size
        return bytes(fixed.SerializeToString())


def _halved(model: Any) -> Any:
    from inference_worker.quantise.half import in_half

    try:
        half = in_half(model)
    except EngineError as error:
        raise LoadFailed(f"no float16: {error}", error.hint) from error
    return _taking_halves(half)


def _taking_halves(model: Any) -> Any:
    """The input itself in float16; who wants it in float32 gets it cast."""
    from onnx import TensorProto, helper

    graph = model.graph
    source = graph.input[0]
    source.type.tensor_type.elem_type = TensorProto.FLOAT16
    single = f"{source.name}_single"
    same, kept = {}, []
    for node in graph.node:
        if _is_cast(node, source.name, TensorProto.FLOAT16):
            same[node.output[0]] = source.name
            continue
        asks = node.op_type in _ASK_NO_TYPE
        for place, name in enumerate(node.input):
            if name == source.name and not asks:
                node.input[place] = single
        kept.append(type(node).FromString(node.SerializeToString()))
    for node in kept:
        node.input[:] = [same.get(name, name) for name in node.input]
    if any(single in node.input for node in kept):
        kept.insert(0, helper.make_node("Cast", [source.name], [single], to=1))
    del graph.node[:]
    graph.node.extend(kept)
    return model


def _is_cast(node: Any, source: str, kind: int) -> bool:
    casts = node.op_type == "Cast" and list(node.input) == [source]
    return casts and node.attribute[0].i == kind
