"""From a foreign graph to one of ours: `images` in RGB 0..1 to `preds` in pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from inference_worker.engine.visible import first_line
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.family import Family, Trial
from inference_worker.importing.graft import (
    FOREIGN,
    IMAGES,
    PREDS,
    Nodes,
    joined,
    opened,
)
from inference_worker.importing.layout import Layout
from inference_worker.importing.signature import FLOAT, HALF, SIZES, Signature

_IR_VERSION = 8


def convert(
    model: Any,
    family: Family,
    trial: Trial,
    kept: list[int],
    layout: Layout,
    notes: Mapping[str, str],
) -> bytes:
    """The whole graph as an ONNX file of our signature; its `kept` scores are classes.

    `notes` become its metadata; what its texts say stays. Raises ImportRefused when
    the two parts do not make a sound graph.
    """
    signature = trial.signature
    before, after = Nodes("before"), Nodes("behind")
    foreign = opened(model)
    foreign.ir_version = max(foreign.ir_version, _IR_VERSION)
    _connect(before, family, signature, trial.canvas)
    outputs = {
        name: FOREIGN + name if value.dtype == FLOAT else after.floats(FOREIGN + name)
        for name, value in signature.outputs.items()
    }
    boxes, scores = family.decode(after, outputs, trial, kept)
    _finish(after, boxes, scores)
    shape: list[int | str] = [layout.batch or "batch", 3, "height", "width"]
    if layout.canvas is not None:
        shape[2:] = layout.canvas
    whole = joined(foreign, before, after, shape, 4 + len(kept))
    whole.doc_string, whole.graph.doc_string = model.doc_string, model.graph.doc_string
    onnx.helper.set_model_props(whole, dict(notes))
    return _checked(whole)


def _connect(
    before: Nodes, family: Family, signature: Signature, canvas: tuple[int, int]
) -> None:
    """Give each foreign input its value under its new name."""
    made = family.prepare(before, IMAGES)
    if signature.images.dtype == HALF:
        made = before.op("Cast", made, to=TensorProto.FLOAT16)
    _named(before, made, FOREIGN + signature.images.name)
    if SIZES in signature.inputs:
        one = before.whole(1)
        count = before.op("Shape", IMAGES, start=0, end=1)
        shape = before.op("Concat", count, one, axis=0)
        height, width = canvas
        size = before.constant([[width, height]], np.int64)
        _named(before, before.op("Expand", size, shape), FOREIGN + SIZES)


def _finish(after: Nodes, boxes: str, scores: str) -> None:
    _named(after, after.op("Concat", boxes, scores, axis=2), PREDS)


def _named(nodes: Nodes, value: str, name: str) -> None:
    node = onnx.helper.make_node("Identity", [value], [name], f"{value}/name")
    nodes.nodes.append(node)


def _checked(model: Any) -> bytes:
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        text = first_line(error)
        raise ImportRefused(f"its decoding cannot be built in: {text}") from error
    return bytes(model.SerializeToString(deterministic=True))
