"""DETRs in their own exports: boxes, scores and labels as outputs of their own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inference_worker.engine.preprocess import STRETCH_SMOOTH
from inference_worker.importing.family import (
    BY_NAME,
    GUESSED,
    NO_SUPPRESSION,
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

_SELECTED = 300
_MEAN = np.array([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
_SPREAD = np.array([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)


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
