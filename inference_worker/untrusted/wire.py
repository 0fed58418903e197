"""Model, graph and nodes of a protobuf message, read without parsing it.

So what is cut short, not ONNX at all or has a million nodes, or a million edges at one,
is refused before the parser makes room for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import onnx

from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import Limits

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_LENGTHS = {_FIXED64: 8, _FIXED32: 4}
_NODE = onnx.NodeProto.DESCRIPTOR


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message; its value lies from `start` to `end`."""

    number: int
    wire: int
    start: int
    end: int


def scan(data: memoryview, limits: Limits) -> None:
    """Raises ModelRefused: malformed, unknown_fields, metadata_too_large,
    too_many_nodes, _tensors or _values.
    """
    kind = onnx.ModelProto.DESCRIPTOR
    for first in _fields(data, 0, len(data)):
        if first.number not in kind.fields_by_number:
            raise ModelRefused(Reason.MALFORMED, "it is not an ONNX model")
        break
    graphs = [
        field
        for field in _known(data, 0, len(data), kind, limits)
        if field.number == onnx.ModelProto.GRAPH_FIELD_NUMBER
    ]
    if not graphs:
        raise ModelRefused(Reason.MALFORMED, "it holds no graph: not an ONNX model")
    (graph,) = graphs
    kind = onnx.GraphProto.DESCRIPTOR
    for field in _known(data, graph.start, graph.end, kind, limits):
        if field.number == onnx.GraphProto.NODE_FIELD_NUMBER:
            for _ in _known(data, field.start, field.end, _NODE, limits):
                pass


def _known(
    data: memoryview, start: int, end: int, kind: Any, limits: Limits
) -> Iterator[Field]:
    """The fields of a message of this kind, each as ONNX defines it."""
    seen: Counter[int] = Counter()
    for field in _fields(data, start, end):
        defined = kind.fields_by_number.get(field.number)
        if defined is None:
            text = f"{kind.name} has a field {field.number} that ONNX does not know"
            raise ModelRefused(Reason.UNKNOWN_FIELDS, text)
        wanted = _VARINT if defined.cpp_type <= defined.CPPTYPE_UINT64 else _LENGTH
        if field.wire != wanted:
            text = f"{kind.name}.{defined.name} is not of its type"
            raise ModelRefused(Reason.MALFORMED, text)
        seen[field.number] += 1
        _count(f"{kind.name}.{defined.name}", defined, seen[field.number], limits)
        yield field


def _count(name: str, defined: Any, count: int, limits: Limits) -> None:
    if not defined.is_repeated:
        if count > 1:
            raise ModelRefused(Reason.MALFORMED, f"{name} is there twice")
        return
    most = {
        "GraphProto.node": limits.nodes,
        "GraphProto.initializer": limits.initialisers,
        "GraphProto.sparse_initializer": limits.initialisers,
        "GraphProto.input": limits.values,
        "GraphProto.output": limits.values,
        "NodeProto.input": limits.edges,
        "NodeProto.output": limits.edges,
        "NodeProto.attribute": limits.edges,
        "ModelProto.metadata_props": limits.metadata_entries,
    }.get(name, limits.nodes + limits.initialisers)
    if count > most:
        reasons = {
            "node": Reason.TOO_MANY_NODES,
            "initializer": Reason.TOO_MANY_TENSORS,
            "sparse_initializer": Reason.TOO_MANY_TENSORS,
            "metadata_props": Reason.METADATA_TOO_LARGE,
        }
        reason = reasons.get(defined.name, Reason.TOO_MANY_VALUES)
        raise ModelRefused(reason, f"{name} is there more than {most:,} times")


def _fields(data: memoryview, start: int, end: int) -> Iterator[Field]:
    at = start
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            _, stop = _varint(data, at, end)
        elif wire == _LENGTH:
            length, at = _varint(data, at, end)
            stop = at + length
        elif wire in _LENGTHS:
            stop = at + _LENGTHS[wire]
        else:
            text = f"byte {at:,} begins nothing that protobuf knows"
            raise ModelRefused(Reason.MALFORMED, text)
        if stop > end:
            text = f"field {number} at byte {at:,} goes beyond the end: cut short?"
            raise ModelRefused(Reason.MALFORMED, text)
        yield Field(number, wire, at, stop)
        at = stop


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    """The number and where it ends."""
    value = 0
    for shift in range(_LONGEST_VARINT):
        if at + shift >= end:
            break
        byte = data[at + shift]
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, at + shift + 1
    raise ModelRefused(Reason.MALFORMED, f"byte {at:,} begins no number: cut short?")
