"""Networks with the signatures of other people's, whose answer anybody can work out.

On a canvas of 64 x 64 each gives one box around the middle, 20 wide and 10 high, of
class 1 and score 0.9; whatever else it gives has no score. `watch` makes one value of
the output the mean of a plane of the input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64
CELLS = 64 + 16 + 4
NAMES = ("open", "short", "spur")
BOX = (32.0, 32.0, 20.0, 10.0)
SCORE = 0.9
ULTRALYTICS = {
    "author": "Ultralytics",
    "license": "AGPL-3.0 License (https://ultralytics.com/license)",
    "task": "detect",
    "stride": "32",
    "imgsz": "[64, 64]",
    "names": "{0: 'open', 1: 'short', 2: 'spur'}",
}
Watch = tuple[str, Sequence[int], int]
"""An output, a place in it, and the plane of the input whose mean is added there."""


def network(
    outputs: Mapping[str, np.ndarray],
    *,
    images: str = "images",
    shape: Sequence[int | str] = (1, 3, SIDE, SIDE),
    metadata: Mapping[str, str] | None = None,
    sizes: bool = False,
    watch: Watch | None = None,
    opset: int = 17,
    kind: int = TensorProto.FLOAT,
) -> bytes:
    """Gives `outputs` whatever it sees, but for `watch`; `sizes` multiplies `boxes`."""
    node = helper.make_node
    value = helper.make_tensor_value_info
    nodes = [node("GlobalAveragePool", [images], ["means"])]
    constants, inputs = [], [value(images, kind, shape)]
    results = []
    for name, array in outputs.items():
        nodes += _output(name, array, watch, constants, sizes, kind)
        is_whole = array.dtype == np.int64
        given = TensorProto.INT64 if is_whole else kind
        results.append(value(name, given, [shape[0], *array.shape[1:]]))
    if sizes:
        inputs.append(value("orig_target_sizes", TensorProto.INT64, [shape[0], 2]))
        nodes.insert(0, node("Cast", ["orig_target_sizes"], ["size"], to=kind))
        nodes.insert(1, node("Concat", ["size", "size"], ["twice"], axis=1))
        nodes.insert(2, node("Unsqueeze", ["twice", "axis"], ["spread"]))
        constants.append(numpy_helper.from_array(np.array([1]), "axis"))
    graph = helper.make_graph(nodes, "foreign", inputs, results, constants)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)],
        producer_name="pytorch",
        producer_version="2.13.0",
    )
    model.ir_version = 8
    helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write(folder: Path, model: bytes, name: str = "best.onnx") -> Path:
    file = folder / name
    file.write_bytes(model)
    return file


def rows(places: int, classes: int, objectness: bool = False) -> np.ndarray:
    """(1, places, 4 + classes, or 5 +): centre and size in pixels, one of them BOX."""
    columns = (5 if objectness else 4) + classes
    found = np.zeros((1, places, columns), np.float32)
    found[0, :, :2] = np.linspace(4, SIDE - 4, places)[:, None]
    found[0, :, 2:4] = 8
    found[0, 5, :4] = BOX
    if objectness:
        found[0, 5, 4], found[0, 5, 6] = 0.95, SCORE / 0.95
    else:
        found[0, 5, 5] = SCORE
    return found


def yolov8(classes: int = 3) -> dict[str, np.ndarray]:
    return {"output0": rows(CELLS, classes).transpose(0, 2, 1)}


def yolov5() -> dict[str, np.ndarray]:
    return {"output0": rows(3 * CELLS, 3, objectness=True)}


def yolox(name: str = "output") -> dict[str, np.ndarray]:
    return {name: rows(CELLS, 3, objectness=True)}


def yolox_raw() -> dict[str, np.ndarray]:
    """BOX out of cell (3, 4) of stride 8, which is row 3 * 8 + 4: its centre is 4 cells
    from the left and 4 from the top, so 0 and 1 from that cell's corner.
    """
    found = np.zeros((1, CELLS, 8), np.float32)
    found[0, :, :2] = 0.5
    at = 3 * 8 + 4
    found[0, at, :4] = (0.0, 1.0, np.log(20 / 8), np.log(10 / 8))
    found[0, at, 4], found[0, at, 6] = 0.95, SCORE / 0.95
    return {"output": found}


def end_to_end() -> dict[str, np.ndarray]:
    found = np.zeros((1, 300, 6), np.float32)
    found[0, 0] = (22, 27, 42, 37, SCORE, 1)
    return {"output0": found}


def ultralytics_rtdetr(six: bool = False) -> dict[str, np.ndarray]:
    """Boxes in 0..1; before 8.4 a score a class, since then `six` columns."""
    found = np.zeros((1, 300, 6 if six else 7), np.float32)
    found[0, :, :4] = 0.5
    found[0, 0, :4] = np.array(BOX) / SIDE
    if six:
        found[0, 0, 4:] = (SCORE, 1)
    else:
        found[0, 0, 5] = SCORE
    return {"output0": found}


def rtdetr() -> dict[str, np.ndarray]:
    """For `sizes`: its boxes are in shares of what it is told."""
    boxes = np.zeros((1, 300, 4), np.float32)
    boxes[0, 0] = np.array([22, 27, 42, 37]) / SIDE
    scores = np.zeros((1, 300), np.float32)
    scores[0, 0] = SCORE
    labels = np.zeros((1, 300), np.int64)
    labels[0, 0] = 1
    return {"labels": labels, "boxes": boxes, "scores": scores}


def rfdetr(names: tuple[str, str] = ("dets", "labels")) -> dict[str, np.ndarray]:
    dets = np.full((1, 300, 4), 0.5, np.float32)
    dets[0, 0] = np.array(BOX) / SIDE
    logits = np.full((1, 300, 3), -8.0, np.float32)
    logits[0, 0, 1] = np.log(SCORE / (1 - SCORE))
    return dict(zip(names, (dets, logits), strict=True))


def _output(
    name: str,
    array: np.ndarray,
    watch: Watch | None,
    constants: list[Any],
    sizes: bool,
    kind: int,
) -> list[Any]:
    """The nodes that give `array` for each image, and `watch` where it belongs."""
    node = helper.make_node
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    mask = np.zeros(array.shape, dtype)
    plane = 0
    if watch is not None and watch[0] == name:
        mask[(0, *watch[1])] = 1
        plane = watch[2]
    stored = {
        f"{name}_rows": array.astype(dtype),
        f"{name}_mask": mask,
        f"{name}_plane": np.array([plane]),
        f"{name}_rank": np.array([-1, *[1] * (array.ndim - 1)]),
    }
    constants += [numpy_helper.from_array(one, key) for key, one in stored.items()]
    scaled = sizes and name == "boxes"
    return [
        node("Gather", ["means", f"{name}_plane"], [f"{name}_mean"], axis=1),
        node("Reshape", [f"{name}_mean", f"{name}_rank"], [f"{name}_flat"]),
        node("Mul", [f"{name}_flat", f"{name}_mask"], [f"{name}_seen"]),
        node("Add", [f"{name}_rows", f"{name}_seen"], [f"{name}_sum"]),
        node("Mul", [f"{name}_sum", "spread"], [name])
        if scaled
        else node(
            "Cast",
            [f"{name}_sum"],
            [name],
            to=TensorProto.INT64 if array.dtype == np.int64 else kind,
        ),
    ]
