"""How many multiplications a node costs, near enough to tell a detector from a bomb."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from onnx import NodeProto, TypeProto, helper

from inference_worker.untrusted.arithmetic import sizes_of

_WEIGHTS_AT = {"Conv": 1, "ConvInteger": 1, "DeformConv": 1, "QLinearConv": 3}
_PRODUCTS = frozenset(("MatMul", "MatMulInteger", "QLinearMatMul"))
_POOLS = frozenset(("AveragePool", "MaxPool"))


def multiplications(node: NodeProto, types: Mapping[str, TypeProto]) -> int:
    """At least the elements that it gives. What depends on sizes that `types` does not
    know, or on numbers, is not counted.
    """
    shapes = [_sizes(types.get(name)) for name in node.input]
    given = max((_elements(_sizes(types.get(name))) for name in node.output), default=0)
    return max(given, _heavy(node, shapes, given))


def _heavy(node: NodeProto, shapes: Sequence[Sequence[int]], given: int) -> int:
    kind = node.op_type
    if kind in _WEIGHTS_AT:
        return given * _elements(shapes[_WEIGHTS_AT[kind]][1:])
    if kind == "ConvTranspose":
        return _elements(shapes[0]) * _elements(shapes[1][1:])
    if kind in _PRODUCTS:
        return given * _elements(shapes[0][-1:])
    if kind == "Gemm":
        inner = shapes[0][:1] if _attribute(node, "transA") else shapes[0][1:]
        return given * _elements(inner)
    if kind in _POOLS:
        return given * math.prod(_attribute(node, "kernel_shape") or (1,))
    if kind == "RoiAlign":
        return given * int(_attribute(node, "sampling_ratio") or 1) ** 2
    if kind == "NonMaxSuppression":
        return _elements(shapes[1]) * _elements(shapes[1][-1:])
    return _einsum(node, shapes) if kind == "Einsum" else 0


def _einsum(node: NodeProto, shapes: Sequence[Sequence[int]]) -> int:
    """The product over all its letters; what `...` stands for counts once."""
    equation = _attribute(node, "equation").decode(errors="replace")
    letters: dict[str, int] = {}
    terms = equation.partition("->")[0].replace(" ", "").split(",")
    for term, shape in zip(terms, shapes, strict=False):
        before, dots, after = term.partition("...")
        letters.update(zip(before, shape, strict=False))
        letters.update(zip(reversed(after), reversed(shape), strict=False))
        if dots:
            rest = shape[len(before) : len(shape) - len(after)]
            letters[dots] = max(letters.get(dots, 1), math.prod(rest))
    return math.prod(letters.values())


def _attribute(node: NodeProto, name: str) -> Any:
    found = next((one for one in node.attribute if one.name == name), None)
    return None if found is None else helper.get_attribute_value(found)


def _sizes(found: TypeProto | None) -> list[int]:
    """Empty, which makes one element, where a size is not known."""
    sizes = sizes_of(found) or []
    return [] if None in sizes else [size or 0 for size in sizes]


def _elements(sizes: Sequence[int]) -> int:
    return math.prod(sizes)
