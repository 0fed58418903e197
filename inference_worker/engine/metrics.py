"""How good a detector is: COCO's average precision, and F at the shipped threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.boxes import pairwise_iou
from inference_worker.engine.types import Detections

MAX_DETECTIONS = 100
"""Best-scored detections that count, for each image and class (COCO's maxDets)."""

IOUS = np.array([0.33, *np.linspace(0.5, 0.95, 10)])
"""0.33 first, then COCO's ten; 0.33 is what DeepPCB's own paper reports."""

RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """One class, as fractions; the precisions are None where it was never drawn."""

    ap33: float | None
    ap50: float | None
    ap5095: float | None
    f: float | None
    instances: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """The whole set, as fractions.

    The means run over the classes that were drawn at least once and are NaN when
    none was. `f` counts hits and misses of all classes together, at IoU 0.33 and
    scores of at least `f_threshold`.
    """

    map33: float
    map50: float
    map5095: float
    f: float
    f_threshold: float
    images: int
    per_class: dict[str, ClassMetrics]

    def as_json(self) -> dict[str, Any]:
        """The object that `evaluate --json` prints."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Matched:
    """One class over all images: scores (d,), hits (ious, d), boxes drawn."""

    scores: NDArray[np.float32]
    hits: NDArray[np.bool_]
    drawn: int


def evaluate_detections(
    truth: Sequence[Detections],
    predictions: Sequence[Detections],
    classes: Sequence[str],
    threshold: float = 0.5,
) -> Metrics:
    """Score predictions against drawn boxes, image by image in the same order.

    Give predictions down to a low score (0.001 or so): the precision at high
    recall needs them; `threshold` is the shipped one and enters `f` only.
    Raises ValueError when the two lists differ in length.
    """
    pairs = list(zip(truth, predictions, strict=True))
    matched = [_match_class(pairs, class_id) for class_id in range(len(classes))]
    precisions = np.array([_precisions(one) for one in matched]).reshape(-1, len(IOUS))
    drawn = precisions[[one.drawn > 0 for one in matched]]
    means = drawn.mean(axis=0) if len(drawn) else np.full(len(IOUS), np.nan)
    return Metrics(
        map33=float(means[0]),
        map50=float(means[1]),
        map5095=float(means[1:].mean()),
        f=_f(matched, threshold) or 0.0,
        f_threshold=threshold,
        images=len(pairs),
        per_class={
            name: _class_metrics(one, row, threshold)
            for name, one, row in zip(classes, matched, precisions, strict=True)
        },
    )


def _match_class(
    pairs: Sequence[tuple[Detections, Detections]], class_id: int
) -> _Matched:
    scores: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
    hits: list[NDArray[np.bool_]] = [np.zeros((len(IOUS), 0), np.bool_)]
    drawn = 0
    for truth, found in pairs:
        boxes = truth.boxes[truth.class_ids == class_id]
        mine = found.take(found.class_ids == class_id)
        mine = mine.take(np.argsort(-mine.scores, kind="stable")[:MAX_DETECTIONS])
        drawn += len(boxes)
        scores.append(mine.scores)
        hits.append(_match_image(pairwise_iou(mine.boxes, boxes)))
    return _Matched(np.concatenate(scores), np.concatenate(hits, axis=1), drawn)


def _match_image(overlaps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which detections hit: (ious, detections) from overlaps (detections, boxes).

    In the order of their scores each detection takes, at each IoU by itself, the
    free box it overlaps most.
    """
    detections, boxes = overlaps.shape
    hits = np.zeros((len(IOUS), detections), np.bool_)
    free = np.ones((len(IOUS), boxes), np.bool_)
    if not boxes:
        return hits
    levels = np.arange(len(IOUS))
    for i, row in enumerate(overlaps):
        reach = np.where(free, row, -1.0)
        # The last of equals, as COCO's own loop has it.
        best = boxes - 1 - np.argmax(reach[:, ::-1], axis=1)
        hits[:, i] = reach[levels, best] >= IOUS
        free[levels[hits[:, i]], best[hits[:, i]]] = False
    return hits


def _precisions(matched: _Matched) -> NDArray[np.float64]:
    """(ious,) average precision over 101 recalls; zeros where nothing was drawn."""
    if not matched.drawn:
        return np.zeros(len(IOUS))
    order = np.argsort(-matched.scores, kind="stable")
    true = np.cumsum(matched.hits[:, order], axis=1, dtype=np.float64)
    precision = true / np.arange(1, len(order) + 1)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = true / matched.drawn
    return np.array(
        [_mean_precision(*one) for one in zip(recall, envelope, strict=True)]
    )


def _mean_precision(
    recall: NDArray[np.float64], envelope: NDArray[np.float64]
) -> float:
    at = np.searchsorted(recall, RECALLS, side="left")
    padded = np.append(envelope, 0.0)
    return float(padded[at].mean())


def _class_metrics(
    matched: _Matched, precisions: NDArray[np.float64], threshold: float
) -> ClassMetrics:
    f = _f([matched], threshold)
    if not matched.drawn:
        return ClassMetrics(None, None, None, f, 0)
    return ClassMetrics(
        float(precisions[0]),
        float(precisions[1]),
        float(precisions[1:].mean()),
        f,
        matched.drawn,
    )


def _f(matched: Sequence[_Matched], threshold: float) -> float | None:
    """Harmonic mean of precision and recall at IoU 0.33; None without any box."""
    hits = sum(int(one.hits[0][one.scores >= threshold].sum()) for one in matched)
    found = sum(int((one.scores >= threshold).sum()) for one in matched)
    drawn = sum(one.drawn for one in matched)
    return 2.0 * hits / (found + drawn) if found + drawn else None
