"""Files whose names, order or types make no graph."""

from __future__ import annotations

import numpy as np
from onnx import helper

from inference_worker.untrusted.errors import Reason
from tests.untrusted.models import Files, good, node, of, stored, value


def _cycle() -> bytes:
    return of(
        node("Add", "images b", "a"), node("Relu", "a", "b"), node("Relu", "b", "preds")
    )


def _shadowing() -> bytes:
    made = good()
    made.graph.input.append(value("weights", [8, 3, 3, 3]))
    return made.SerializeToString()


def _without(field_name: str) -> bytes:
    made = good()
    made.graph.ClearField(field_name)
    return made.SerializeToString()


def _wrong_types() -> bytes:
    """A convolution of whole numbers."""
    return of(
        node("Conv", "images weights", "preds"),
        tensors=[stored("weights", np.zeros((8, 3, 3, 3)), np.int64)],
    )


def _attribute_twice() -> bytes:
    relu = node("LeakyRelu", "images", "preds", alpha=0.1)
    relu.attribute.append(helper.make_attribute("alpha", 0.2))
    return of(relu)


def _metadata_twice() -> bytes:
    made = good()
    for text in ("MIT", "AGPL-3.0"):
        made.metadata_props.add(key="license", value=text)
    return made.SerializeToString()


def _lying(name: str) -> bytes:
    """Says that a value is smaller than it comes out."""
    made = good()
    del made.graph.output[:]
    for told in ("hidden", "preds"):
        side = 1 if told == name else 32
        kept = made.graph.output if told == "preds" else made.graph.value_info
        kept.append(value(told, [1, 8, side, side]))
    return made.SerializeToString()


FILES: Files = {
    "no-inputs": (Reason.NO_INPUTS, lambda: _without("input")),
    "no-outputs": (Reason.NO_OUTPUTS, lambda: _without("output")),
    "no-nodes": (Reason.NOT_SORTED, lambda: _without("node")),
    "made-twice": (
        Reason.DUPLICATE_NAME,
        lambda: of(node("Relu", "images", "preds"), node("Abs", "images", "preds")),
    ),
    "stored-twice": (
        Reason.DUPLICATE_NAME,
        lambda: of(
            node("Relu", "images", "preds"), tensors=[stored("w", 1), stored("w", 2)]
        ),
    ),
    "input-shadowed": (Reason.SHADOWED_NAME, _shadowing),
    "cycle": (Reason.NOT_SORTED, _cycle),
    "dangling": (Reason.NOT_SORTED, lambda: of(node("Relu", "nothing", "preds"))),
    "wrong-types": (Reason.CHECKER, _wrong_types),
    "wrong-attribute": (
        Reason.CHECKER,
        lambda: of(node("Relu", "images", "preds", power=9_000)),
    ),
    "missing-attribute": (
        Reason.CHECKER,
        lambda: of(node("Concat", "images", "preds")),
    ),
    "metadata-twice": (Reason.DUPLICATE_NAME, _metadata_twice),
    "attribute-twice": (Reason.CHECKER, _attribute_twice),
    "lies-about-a-value": (Reason.CHECKER, lambda: _lying("hidden")),
    "lies-about-an-output": (Reason.CHECKER, lambda: _lying("preds")),
}
