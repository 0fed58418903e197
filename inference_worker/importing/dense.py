"""Families that give a box for every place of their grids."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference_worker.engine.preprocess import CENTRE_UNROUNDED, CORNER
from inference_worker.importing.family import (
    BY_NAME,
    BY_SHAPE,
    Array,
    Family,
    Match,
    Trial,
    pick,
    relative,
    shares,
)
from inference_worker.importing.graft import Nodes

STRIDES = (8, 16, 32)
GRIDS = (STRIDES, (8, 16, 32, 64), (4, 8, 16, 32))
_NEAR = 0.3


class YoloV8(Family):
    """Ultralytics v8, 11 and those with that head: (N, 4 + classes, A)."""

    key = "yolov8"
    title = "Ultralytics YOLOv8 or YOLO11 (YOLOv5u too)"
    free_canvas = True
    threshold = 0.25
    nms_iou = 0.7

    def match(self, trial: Trial) -> Match | None:
        turned = _places_last(trial.rows)
        values = trial.rows.transpose(0, 2, 1) if turned else trial.rows
        places, columns = values.shape[1:]
        if columns < 5 or not shares(values[..., 4:]) or relative(values[..., :4]):
            return None
        if not turned and places not in [trial.cells(one) for one in GRIDS]:
            return None
        if _near_zero(values, trial.canvas):
            return None
        sure = BY_NAME if turned and _of_ultralytics(trial) else BY_SHAPE
        order = "a column" if turned else "a row"
        why = f"{trial.main} has {order} of {columns} values for {places} places"
        return Match(sure, why)

    def scores(self, trial: Trial) -> int | None:
        return int(min(trial.rows.shape[1:])) - 4

    def decode(
        self, nodes: Nodes, outputs: Mapping[str, str], trial: Trial, kept: list[int]
    ) -> tuple[str, str]:
        rows = outputs[trial.main]
        if _places_last(trial.rows):
            rows = nodes.op("Transpose", rows, perm=[0, 2, 1])
        boxes = nodes.corners(nodes.cut(rows, 0, 4))
        count = min(trial.rows.shape[1:]) - 4
        return boxes, pick(nodes, nodes.rest(rows, 4), kept, count)


class YoloV5(Family):
    """Ultralytics' first YOLOv5, three anchors a place: (N, 3 A, 5 + classes)."""

    key = "yolov5"
    title = "YOLOv5 with anchors (also YOLOv7)"
    fit = CENTRE_UNROUNDED
    threshold = 0.25
    nms_iou = 0.45

    def match(self, trial: Trial) -> Match | None:
        values = trial.rows
        if not _objectness(values) or relative(values[..., :4]):
            return None
        if values.shape[1] not in [3 * trial.cells(one) for one in GRIDS]:
            return None
        sure = BY_NAME if "stride" in trial.signature.metadata else BY_SHAPE
        why = f"{trial.main} has three boxes for each place of its grids"
        return Match(sure, why)

    def scores(self, trial: Trial) -> int | None:
        return int(trial.rows.shape[2]) - 5

    def decode(
        self, nodes: Nodes, outputs: Mapping[str, str], trial: Trial, kept: list[int]
    ) -> tuple[str, str]:
        rows = outputs[trial.main]
        boxes = nodes.corners(nodes.cut(rows, 0, 4))
        return boxes, _products(nodes, rows, trial.rows, kept)

    def done(self) -> list[str]:
        return [*super().done(), "the product of objectness and class as the score"]


class Yolox(Family):
    """YOLOX: (N, A, 5 + classes), decoded or as offsets in the cells of its grids."""

    key = "yolox"
    title = "YOLOX"
    fit = CORNER
    threshold = 0.3
    nms_iou = 0.45

    def match(self, trial: Trial) -> Match | None:
        values = trial.rows
        if not _objectness(values) or values.shape[1] != trial.cells(STRIDES):
            return None
        raw = _in_cells(trial)
        sure = BY_NAME if trial.main == "output" or raw else BY_SHAPE
        kind = "offsets in its cells" if raw else "boxes in pixels"
        why = f"{trial.main} has a row for each place of its grids, {kind}"
        return Match(sure, why)

    def scores(self, trial: Trial) -> int | None:
        return int(trial.rows.shape[2]) - 5

    def prepare(self, nodes: Nodes, images: str) -> str:
        turned = nodes.op("Gather", images, nodes.whole(2, 1, 0), axis=1)
        return nodes.op("Mul", turned, nodes.constant(255.0))

    def decode(
        self, nodes: Nodes, outputs: Mapping[str, str], trial: Trial, kept: list[int]
    ) -> tuple[str, str]:
        rows = outputs[trial.main]
        boxes = nodes.cut(rows, 0, 4)
        if _in_cells(trial):
            boxes = _placed(nodes, boxes, trial.canvas)
        return nodes.corners(boxes), _products(nodes, rows, trial.rows, kept)

    def done(self) -> list[str]:
        return [
            "blue, green, red in 0 to 255 as its input",
            *super().done(),
            "the product of objectness and class as the score",
        ]


def _placed(nodes: Nodes, boxes: str, canvas: tuple[int, int]) -> str:
    """Offsets and logarithms of sizes, in cells, to centres and sizes in pixels."""
    grids, strides = [], []
    for stride in STRIDES:
        height, width = (-(-side // stride) for side in canvas)
        rows, columns = np.indices((height, width))
        grids.append(np.stack([columns, rows], 2).reshape(-1, 2))
        strides.append(np.full((height * width, 1), stride))
    grid = nodes.constant(np.concatenate(grids)[None])
    stride_of = nodes.constant(np.concatenate(strides)[None])
    moved = nodes.op("Add", nodes.cut(boxes, 0, 2), grid)
    grown = nodes.op("Exp", nodes.cut(boxes, 2, 4))
    sides = [nodes.op("Mul", one, stride_of) for one in (moved, grown)]
    return nodes.op("Concat", *sides, axis=2)


def _products(nodes: Nodes, rows: str, values: Array, kept: list[int]) -> str:
    classes = pick(nodes, nodes.rest(rows, 5), kept, values.shape[2] - 5)
    return nodes.op("Mul", nodes.cut(rows, 4, 5), classes)


def _objectness(values: Array) -> bool:
    return values.shape[2] >= 6 and shares(values[..., 4:])


def _places_last(values: Array) -> bool:
    return bool(values.shape[1] < values.shape[2])


def _in_cells(trial: Trial) -> bool:
    return _near_zero(trial.rows, trial.canvas)


def _near_zero(rows: Array, canvas: tuple[int, int]) -> bool:
    """Centres of decoded boxes lie all over the canvas, offsets near zero."""
    far = float(np.percentile(np.abs(rows[..., :2]), 90))
    return far < _NEAR * max(canvas)


def _of_ultralytics(trial: Trial) -> bool:
    return trial.signature.metadata.get("author") == "Ultralytics"
