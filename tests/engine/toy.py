"""A real network small enough to know its answer: it finds coloured squares.

Each cell of 32 x 32 canvas pixels is one anchor. Its box is the cell itself, its
three scores are the cell's mean red, green and blue. So a pure red cell on black is
exactly one detection of class `red`, at a place anyone can work out.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CELL = 32
CLASSES = ["red", "green", "blue"]


def toy_network(channels: int = 3) -> bytes:
    """ONNX: `images` (n, channels, h, w) in 0..1 to `preds` (n, cells, 7)."""
    node = helper.make_node
    nodes = [
        node("Slice", ["images", "zero", "three", "one"], ["rgb"]),
        node(
            "AveragePool",
            ["rgb"],
            ["mean"],
            kernel_shape=[CELL] * 2,
            strides=[CELL] * 2,
        ),
        node("Reshape", ["mean", "planes"], ["scores_first"]),
        node("Transpose", ["scores_first"], ["scores"], perm=[0, 2, 1]),
        node("Shape", ["mean"], ["grid"], start=2, end=4),
        node("ConstantOfShape", ["grid"], ["ones"], value=_tensor([1], np.int64)),
        node("NonZero", ["ones"], ["row_column"]),
        node("Gather", ["row_column", "swap"], ["column_row"], axis=0),
        node("Transpose", ["column_row"], ["cells"], perm=[1, 0]),
        node("Cast", ["cells"], ["cells_float"], to=TensorProto.FLOAT),
        node("Mul", ["cells_float", "cell"], ["corner"]),
        node("Add", ["corner", "cell"], ["far_corner"]),
        node("Concat", ["corner", "far_corner"], ["box"], axis=1),
        node("Unsqueeze", ["box", "zero"], ["box_1"]),
        node("Shape", ["images"], ["batch"], start=0, end=1),
        node("Concat", ["batch", "one", "one"], ["repeat"], axis=0),
        node("Expand", ["box_1", "repeat"], ["boxes"]),
        node("Concat", ["boxes", "scores"], ["preds"], axis=2),
    ]
    constants = {
        "zero": _tensor([0], np.int64),
        "one": _tensor([1], np.int64),
        "three": _tensor([3], np.int64),
        "planes": _tensor([0, 3, -1], np.int64),
        "swap": _tensor([1, 0], np.int64),
        "cell": _tensor(CELL, np.float32),
    }
    for name, tensor in constants.items():
        tensor.name = name
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "toy",
        [value("images", TensorProto.FLOAT, ["n", channels, "h", "w"])],
        [value("preds", TensorProto.FLOAT, ["n", "a", 7])],
        list(constants.values()),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def toy_manifest(files: dict[str, bytes], /, **changes: Any) -> dict[str, Any]:
    pins = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in files.items()
    }
    return {
        "schema": 1,
        "model": "toy",
        "version": "1",
        "classes": CLASSES,
        "input": {
            "layout": "NCHW",
            "channels": 3,
            "range": [0, 1],
            "sizes": [512, 640, 1024],
        },
        "stride": CELL,
        "threshold_ppm": 600_000,
        "nms_iou_ppm": 500_000,
        "metrics": {},
        "files": pins,
        "release_seq": 1,
        "previous": None,
        "kid": None,
        "created": "2026-11-22T09:00:00Z",
    } | changes


def write_toy(source: Path, int8: bytes | None = None, **changes: Any) -> Path:
    """A version folder `<source>/toy/<version>`; `changes` go into its manifest."""
    channels = changes.get("input", {}).get("channels", 3)
    files = {"model.onnx": toy_network(channels), "card.md": b"# Toy\n"}
    if int8 is not None:
        files["model.int8.onnx"] = int8
    manifest = toy_manifest(files, **changes)
    folder = source / manifest["model"] / manifest["version"]
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return folder


def board(height: int = 640, width: int = 640) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def traced(height: int = 640, width: int = 640) -> np.ndarray:
    """A board to be recognised by its traces, too faint for the toy to find."""
    image = board(height, width)
    draw = np.random.default_rng(4)
    for at in draw.uniform(0, 0.9, (24, 2)):
        top, left = (at * (height, width)).astype(int)
        image[top : top + height // 12, left : left + width // 5] = 60
    return image


def paint(
    image: np.ndarray, class_id: int, left: int, top: int, side: int = CELL
) -> None:
    """A square of one pure colour."""
    image[top : top + side, left : left + side] = 0
    image[top : top + side, left : left + side, class_id] = 255


def _tensor(value: Any, kind: Any) -> TensorProto:
    return numpy_helper.from_array(np.asarray(value, kind))
