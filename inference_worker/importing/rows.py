"""Ultralytics' heads that give each object once: a row for each of a fixed number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference_worker.engine.preprocess import CENTRE, STRETCH
from inference_worker.importing.dense import STRIDES
from inference_worker.importing.family import (
    BY_NAME,
    BY_SHAPE,
    NO_SUPPRESSION,
    Array,
    Family,
    Match,
    Trial,
    pick,
    relative,
    shares,
    to_pixels,
    whole,
)
from inference_worker.importing.graft import Nodes

MOST_QUERIES = 3000
_RTDETR_HEAD = "RTDETRDecoder"


class EndToEnd(Family):
    """YOLOv10, YOLO26 and exports with nms=True: (N, Q, 6), box, score, class."""

    key = "end-to-end"
    title = "Ultralytics end to end (YOLOv10, YOLO26, nms=True)"
    fit = CENTRE
    free_canvas = True
    threshold = 0.25
    nms_iou = NO_SUPPRESSION

    def match(self, trial: Trial) -> Match | None:
        if not _labelled_rows(trial.rows) or _decoder(trial) == _RTDETR_HEAD:
            return None
        name, boxes = trial.main, trial.rows[..., :4]
        if _decoder(trial) or trial.signature.metadata.get("end2end") == "True":
            return Match(BY_NAME, f"its metadata says so, and {name} has 6 columns")
        if relative(boxes) and boxes.any():
            return None
        return Match(BY_SHAPE, f"{name} has box in pixels, score and class a row")

    def scores(self, trial: Trial) -> int | None:
        return None

    def classes_seen(self, trial: Trial) -> int:
        return int(trial.rows[..., 5].max(initial=-1)) + 1

    def decode(
        self, nodes: Nodes, outputs: Mapping[str, str], trial: Trial, kept: list[int]
    ) -> tuple[str, str]:
        rows = outputs[trial.main]
        return nodes.cut(rows, 0, 4), _spread(nodes, rows, kept)

    def done(self) -> list[str]:
        return ["each score in the column of its class"]


class UltralyticsRtDetr(Family):
    """RT-DETR as Ultralytics exports it: boxes in 0..1, then a score a class, or (since
    8.4) one score and its class.
    """

    key = "ultralytics-rtdetr"
    title = "RT-DETR of Ultralytics"
    fit = STRETCH
    threshold = 0.25
    nms_iou = NO_SUPPRESSION

    def match(self, trial: Trial) -> Match | None:
        values, name = trial.rows, trial.main
        places, columns = values.shape[1:]
        if columns < 5 or places > MOST_QUERIES or places == trial.cells(STRIDES):
            return None
        boxes = values[..., :4]
        if not relative(boxes) or not (shares(values[..., 4:]) or _ranked(values)):
            return None
        by_name = _decoder(trial) == _RTDETR_HEAD or _says_rtdetr(trial)
        why = f"{name} has boxes in 0 to 1 before its scores"
        return Match(BY_NAME if by_name else BY_SHAPE, why)

    def scores(self, trial: Trial) -> int | None:
        return None if _ranked(trial.rows) else trial.rows.shape[2] - 4

    def classes_seen(self, trial: Trial) -> int:
        labels = trial.rows[..., 5:6] if _ranked(trial.rows) else trial.rows[..., :0]
        return int(labels.max(initial=-1)) + 1

    def decode(
        self, nodes: Nodes, outputs: Mapping[str, str], trial: Trial, kept: list[int]
    ) -> tuple[str, str]:
        rows = outputs[trial.main]
        boxes = to_pixels(nodes, nodes.corners(nodes.cut(rows, 0, 4)), trial.canvas)
        if _ranked(trial.rows):
            return boxes, _spread(nodes, rows, kept)
        count = trial.rows.shape[2] - 4
        return boxes, pick(nodes, nodes.rest(rows, 4), kept, count)


def _labelled_rows(values: Array) -> bool:
    """Rows of box, score and class."""
    if values.shape[2] != 6 or values.shape[1] > MOST_QUERIES:
        return False
    return shares(values[..., 4]) and whole(values[..., 5])


def _ranked(values: Array) -> bool:
    """Such rows, best first."""
    falling = np.diff(values[..., 4:5], axis=1) <= 0
    return _labelled_rows(values) and bool(falling.all())


def _spread(nodes: Nodes, rows: str, kept: list[int]) -> str:
    return nodes.one_hot(nodes.cut(rows, 4, 5), nodes.cut(rows, 5, 6), kept)


def _decoder(trial: Trial) -> str:
    """The head that Ultralytics names in its metadata since 8.4."""
    return trial.signature.metadata.get("head", "")


def _says_rtdetr(trial: Trial) -> bool:
    text = trial.signature.metadata.get("description", "")[:500].lower()
    return "rtdetr" in text or "rt-detr" in text
