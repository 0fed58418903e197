"""Files whose values are empty for every picture but a bright one."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, TensorProto, helper

from inference_worker.untrusted.errors import Reason
from tests.untrusted.models import Files, node, of, stored


def _by_pixels(*sized: NodeProto) -> bytes:
    """`sized` makes `large` as large as a picture with no dark pixel wants it."""
    return of(
        node("ReduceMin", "images", "darkest", keepdims=0),
        node("Sub", "darkest nearly", "above"),
        node("Mul", "above many", "scaled"),
        node("Max", "scaled zero", "end"),
        node("Cast", "end", "whole", to=TensorProto.INT64),
        node("Unsqueeze", "whole first", "size"),
        *sized,
        node("ReduceSum", "large", "sum", keepdims=0),
        node("Add", "images sum", "preds"),
        tensors=[
            *(stored("nearly", 0.95), stored("many", 4e11)),
            *(stored("zero", 0.0), stored("step", 1.0)),
            *(stored("first", [0], np.int64), stored("one", [1.0])),
            *(stored("scales", [1.0]), stored("values", [0.0, 1.0])),
            stored("pads", [0], np.int64),
        ],
    )


_BY_PIXELS = {
    "range": [node("Range", "zero end step", "large")],
    "fill": [node("ConstantOfShape", "size", "large")],
    "tile": [node("Tile", "one size", "large")],
    "expand": [node("Expand", "one size", "large")],
    "pad": [
        node("Concat", "pads size", "both", axis=0),
        node("Pad", "one both", "large"),
    ],
    "one-hot": [node("OneHot", "first whole values", "large")],
    "resize": [
        helper.make_node("Resize", ["one", "", "", "size"], ["large"]),
    ],
    "behind-selected": [
        node("Greater", "images nearly", "bright"),
        node("NonZero", "bright", "places"),
        node("ReduceMax", "places", "last", keepdims=0),
        node("Unsqueeze", "last first", "length"),
        node("ConstantOfShape", "length", "large"),
    ],
}


FILES: Files = {
    f"{name}-by-pixels": (
        Reason.SIZE_FROM_PIXELS,
        lambda sized=sized: _by_pixels(*sized),
    )
    for name, sized in _BY_PIXELS.items()
}
