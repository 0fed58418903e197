"""How a graph hangs together: every name given once, and before it is used."""

from __future__ import annotations

from onnx import GraphProto

from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.tensors import named


def check_structure(graph: GraphProto) -> None:
    """Raises ModelRefused: duplicate_name, shadowed_name, not_sorted."""
    known = _given(graph)
    for index, node in enumerate(graph.node):
        where = f"node {index:,} ({node.op_type})"
        for name in node.input:
            if name and name not in known:
                text = f"{where} uses {named('value', name)} before it is made, if ever"
                raise ModelRefused(Reason.NOT_SORTED, text)
        for name in node.output:
            if name in known:
                text = f"{where} makes {named('value', name)} a second time"
                raise ModelRefused(Reason.DUPLICATE_NAME, text)
            if name:
                known.add(name)
    outputs = [value.name for value in graph.output]
    _check_unique(outputs, "output")
    for name in outputs:
        if name not in known:
            text = f"{named('output', name)} is never made"
            raise ModelRefused(Reason.NOT_SORTED, text)


def _given(graph: GraphProto) -> set[str]:
    """What is there before the first node."""
    inputs = [value.name for value in graph.input]
    stored = [tensor.name for tensor in graph.initializer]
    _check_unique(inputs, "input")
    _check_unique(stored, "tensor")
    for name in set(inputs) & set(stored):
        text = f"{named('input', name)} is also stored, so that it need not be given"
        raise ModelRefused(
            Reason.SHADOWED_NAME, text, "Export without initialisers as inputs."
        )
    return {*inputs, *stored}


def _check_unique(names: list[str], kind: str) -> None:
    seen: set[str] = set()
    for name in names:
        if not name or name in seen:
            text = f"{named(kind, name)} has no name, or that of another"
            raise ModelRefused(Reason.DUPLICATE_NAME, text)
        seen.add(name)
