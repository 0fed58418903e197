"""Families that give a fixed number of boxes, each object once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference_worker.engine.preprocess import CENTRE, STRETCH, STRETCH_SMOOTH
from inference_worker.importing.dense import STRIDES
from inference_worker.importing.family import (
    BY_NAME,
    BY_SHAPE,
    GUESSED,
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
from inference_worker.importing.signature import SIZES

MOST_QUERIES = 3000
_SELECTED = 300
_MEAN = np.array([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
_SPREAD = np.array([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
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


class RtDetr(Family):
    """The three outputs of RT-DETR's and D-FINE's own exports."""

    key = "rt-detr"
    title = "RT-DETR or D-FINE, their own export"
    fit = STRETCH_SMOOTH
    threshold = 0.5
    nms_iou = NO_SUPPRESSION

    def match(self, trial: Trial) -> Match | None:
        outputs = trial.outputs
        if not {"labels", "boxes", "scores"} <= set(outputs):
            return None
        boxes, scores = outputs["boxes"], outputs["scores"]
        if boxes.ndim != 3 or boxes.shape[2] != 4 or scores.shape != boxes.shape[:2]:
            return None
        labels = outputs["labels"]
        if labels.shape != scores.shape or not whole(labels):
            return None
        if SIZES not in trial.signature.inputs and not relative(boxes):
            return None
        return Match(BY_NAME, "its outputs are labels, boxes and scores")

    def scores(self, trial: Trial) -> int | None:
        return None

    def classes_seen(self, trial: Trial) -> int:
        return int(trial.outputs["labels"].max(initial=-1)) + 1

    def decode(
        self, nodes: Nodes, outputs: Mapping[str, str], trial: Trial, kept: list[int]
    ) -> tuple[str, str]:
        boxes = outputs["boxes"]
        if SIZES not in trial.signature.inputs:
            boxes = to_pixels(nodes, boxes, trial.canvas)
        last = nodes.whole(2)
        score, label = (
            nodes.op("Unsqueeze", outputs[name], last) for name in ("scores", "labels")
        )
        return boxes, nodes.one_hot(score, label, kept)

    def done(self) -> list[str]:
        return ["the canvas as the photo's size", "each score in its class's column"]


class RfDetr(Family):
    """RF-DETR: `dets` (N, Q, 4) in 0..1, `labels` (N, Q, classes) as logits."""

    key = "rf-detr"
    title = "RF-DETR"
    fit = STRETCH_SMOOTH
    threshold = 0.5
    nms_iou = NO_SUPPRESSION

    def match(self, trial: Trial) -> Match | None:
        names = _dets_and_labels(trial)
        if names is None:
            return None
        dets = trial.outputs[names[0]]
        if not relative(dets):
            return None
        if names == ("dets", "labels"):
            return Match(BY_NAME, "its outputs are dets and labels")
        return Match(GUESSED, f"{names[0]} has boxes in 0 to 1, {names[1]} scores")

    def scores(self, trial: Trial) -> int | None:
        names = _dets_and_labels(trial)
        return None if names is None else trial.outputs[names[1]].shape[2]

    def prepare(self, nodes: Nodes, images: str) -> str:
        less = nodes.op("Sub", images, nodes.constant(_MEAN))
        return nodes.op("Div", less, nodes.constant(_SPREAD))

    def decode(
        self, nodes: Nodes, outputs: Mapping[str, str], trial: Trial, kept: list[int]
    ) -> tuple[str, str]:
        names = _dets_and_labels(trial)
        if names is None:
            raise ValueError("decode comes after a match")
        dets, labels = names
        logits = trial.outputs[labels]
        scores = pick(nodes, outputs[labels], kept, logits.shape[2])
        if not shares(logits):
            scores = nodes.op("Sigmoid", scores)
        boxes = to_pixels(nodes, nodes.corners(outputs[dets]), trial.canvas)
        return _ranking(nodes, boxes, scores, logits.shape[1], len(kept))

    def done(self) -> list[str]:
        return [
            "ImageNet's mean and spread taken off its input",
            *super().done(),
            "the sigmoid of its logits",
            f"the best {_SELECTED} pairs of box and class, each a row",
        ]


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


def _ranking(
    nodes: Nodes, boxes: str, scores: str, queries: int, classes: int
) -> tuple[str, str]:
    """A row for each of the best pairs of box and class, as the family's own runtime
    selects them: one box may be of two classes.
    """
    flat = nodes.op("Reshape", scores, nodes.whole(0, -1))
    count = min(_SELECTED, queries * classes)
    best, places = (
        nodes.op("Unsqueeze", one, nodes.whole(2)) for one in nodes.best(flat, count)
    )
    width = nodes.constant(classes, np.int64)
    query = nodes.op("Div", places, width)
    label = nodes.op("Sub", places, nodes.op("Mul", query, width))
    rows = nodes.op("Concat", query, query, query, query, axis=2)
    picked = nodes.op("GatherElements", boxes, rows, axis=1)
    return picked, nodes.one_hot(best, nodes.floats(label), list(range(classes)))


def _dets_and_labels(trial: Trial) -> tuple[str, str] | None:
    """The names of boxes (N, Q, 4) and class scores (N, Q, .)."""
    outputs = {name: one for name, one in trial.outputs.items() if one.ndim == 3}
    if len(outputs) != 2 or len(trial.outputs) != 2:
        return None
    if {"dets", "labels"} == set(outputs):
        names = ("dets", "labels")
    else:
        first, second = outputs
        names = (first, second) if outputs[first].shape[2] == 4 else (second, first)
    dets, labels = (outputs[name] for name in names)
    return names if dets.shape[2] == 4 and dets.shape[1] == labels.shape[1] else None


def _decoder(trial: Trial) -> str:
    """The head that Ultralytics names in its metadata since 8.4."""
    return trial.signature.metadata.get("head", "")


def _says_rtdetr(trial: Trial) -> bool:
    text = trial.signature.metadata.get("description", "")[:500].lower()
    return "rtdetr" in text or "rt-detr" in text
