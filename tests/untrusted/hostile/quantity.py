"""Files with too many pieces, or too long ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onnx import ModelProto, helper

from inference_worker.untrusted.errors import Reason
from tests.untrusted.models import Files, declared, field, good, node, of, spoilt, value

MANY = 100_000


def _chain(count: int) -> bytes:
    names = ["images", *(f"v{n}" for n in range(1, count)), "preds"]
    return of(*(node("Relu", a, b) for a, b in zip(names[:-1], names[1:], strict=True)))


def _noted(key: str, text: str, times: int = 1) -> bytes:
    made = good()
    for n in range(times):
        made.metadata_props.add(key=f"{key}{n}", value=text)
    return made.SerializeToString()


def _many_tensors() -> bytes:
    tensors = [declared([1], b"\0\0\0\0", name=f"t{n}") for n in range(MANY)]
    return of(node("Relu", "images", "preds"), tensors=tensors)


def _many_inputs() -> bytes:
    inputs = [value("images", [1]), *(value(f"i{n}", [1]) for n in range(1_000))]
    return of(node("Relu", "images", "preds"), inputs=inputs)


def _noted_inside(part: Callable[[ModelProto], Any]) -> bytes:
    """A long text where hardly anybody looks."""
    made = good()
    part(made).doc_string = "x" * 2**20
    return made.SerializeToString()


def _symbol() -> bytes:
    made = good()
    made.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n" * 10_000
    return made.SerializeToString()


def _many_opsets() -> bytes:
    made = good()
    for n in range(1_000):
        made.opset_import.append(helper.make_opsetid(f"domain{n}", 1))
    return made.SerializeToString()


def _told_of() -> bytes:
    made = good()
    made.graph.value_info.extend(value(f"v{n}", [1]) for n in range(MANY))
    return made.SerializeToString()


FILES: Files = {
    "nodes-100,000": (Reason.TOO_MANY_NODES, lambda: _chain(MANY)),
    "nodes-empty-5,000,000": (
        Reason.TOO_MANY_NODES,
        lambda: field(7, b"\x0a\x00" * 5_000_000),
    ),
    "tensors-100,000": (Reason.TOO_MANY_TENSORS, _many_tensors),
    "inputs-1,000": (Reason.TOO_MANY_VALUES, _many_inputs),
    "edges-1,000,000": (
        Reason.TOO_MANY_VALUES,
        lambda: of(helper.make_node("Sum", ["images"] * 1_000_000, ["preds"])),
    ),
    "metadata-huge": (Reason.METADATA_TOO_LARGE, lambda: _noted("k", "x" * 2**21)),
    "metadata-100,000": (
        Reason.METADATA_TOO_LARGE,
        lambda: _noted("k", "x", times=MANY),
    ),
    "note-huge": (Reason.METADATA_TOO_LARGE, lambda: spoilt(doc_string="x" * 2**20)),
    "name-long": (
        Reason.NAME_TOO_LONG,
        lambda: of(node("Relu", "images", "v" * 10_000 + " preds")),
    ),
    "attributes-1,000": (
        Reason.TOO_MANY_VALUES,
        lambda: of(
            node("Relu", "images", "preds", **{f"a{n}": n for n in range(1_000)})
        ),
    ),
    "outputs-1,000": (
        Reason.TOO_MANY_VALUES,
        lambda: of(
            node("Relu", "images", "preds"), outputs=[value("preds", None)] * 1_000
        ),
    ),
    "opsets-1,000": (Reason.TOO_MANY_VALUES, _many_opsets),
    "values-told-of-100,000": (Reason.TOO_MANY_VALUES, _told_of),
    "note-on-a-tensor": (
        Reason.METADATA_TOO_LARGE,
        lambda: _noted_inside(lambda made: made.graph.initializer[0]),
    ),
    "note-on-an-input": (
        Reason.METADATA_TOO_LARGE,
        lambda: _noted_inside(lambda made: made.graph.input[0]),
    ),
    "note-on-a-node": (
        Reason.METADATA_TOO_LARGE,
        lambda: _noted_inside(lambda made: made.graph.node[0]),
    ),
    "note-on-an-attribute": (
        Reason.METADATA_TOO_LARGE,
        lambda: _noted_inside(lambda made: made.graph.node[0].attribute[0]),
    ),
    "symbol-long": (Reason.NAME_TOO_LONG, _symbol),
}
