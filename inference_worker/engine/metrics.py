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
    """One class, as fractions. The average precisions and the recall are None where
    it was never drawn, the precision where nothing was found. `f`, `precision` and
    `recall` count finds of at least the threshold, at IoU 0.33.
    """

    ap33: float | None
    ap50: float | None
    ap5095: float | None
    f: float | None
    precision: float | None
    recall: float | None
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
class Matched:
    """One class over all images: scores (d,), hits (IOUS, d), boxes drawn."""

    scores: NDArray[np.float32]
    hits: NDArray[np.bool_]
    drawn: int


def evaluate_detections(
    truth: Sequence[Detections],
    predictions: Sequence[Detections],
    classes: Sequence[str],
    threshold: float = 0.5,
    seen: Sequence[Detections] | None = None,
) -> Metrics:
    """Score predictions against drawn boxes, image by image in the same order.

    Give predictions down to a low score (0.001 or so): the precision at high
    recall needs them; `threshold` is the shipped one and enters F, precision and
    recall only. Those are of `seen` where it is given: what a line sees, when the
    predictions hold guesses that it does not. Raises ValueError when the lists differ
    in length.
    """
    matched = match(truth, predictions, classes)
    met = matched if seen is None else match(truth, seen, classes)
    precisions = np.array([_precisions(one) for one in matched]).reshape(-1, len(IOUS))
    drawn = precisions[[one.drawn > 0 for one in matched]]
    means = drawn.mean(axis=0) if len(drawn) else np.full(len(IOUS), np.nan)
    return Metrics(
        map33=float(means[0]),
        map50=float(means[1]),
        map5095=float(means[1:].mean()),
        f=_at(met, threshold).f or 0.0,
        f_threshold=threshold,
        images=len(truth),
        per_class={
            name: _class_metrics(row, _at([one], threshold))
            for name, one, row in zip(classes, met, precisions, strict=True)
        },
    )


def match(
    truth: Sequence[Detections],
    predictions: Sequence[Detections],
    classes: Sequence[str],
) -> list[Matched]:
    """Which predictions hit, class by class; ValueError for lists of two lengths."""
    pairs = list(zip(truth, predictions, strict=True))
    return [_match_class(pairs, class_id) for class_id in range(len(classes))]


def _match_class(
    pairs: Sequence[tuple[Detections, Detections]], class_id: int
) -> Matched:
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
    return Matched(np.concatenate(scores), np.concatenate(hits, axis=1), drawn)


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


def _precisions(matched: Matched) -> NDArray[np.float64]:
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


@dataclass(frozen=True, slots=True)
class _Counts:
    """What reaches a threshold, at IoU 0.33."""

    hits: int
    found: int
    drawn: int

    @property
    def f(self) -> float | None:
        """Harmonic mean of precision and recall; None without any box."""
        return _share(2 * self.hits, self.found + self.drawn)


def _at(matched: Sequence[Matched], threshold: float) -> _Counts:
    sure = [one.scores >= threshold for one in matched]
    hits = sum(
        int(one.hits[0][mask].sum()) for one, mask in zip(matched, sure, strict=True)
    )
    drawn = sum(one.drawn for one in matched)
    return _Counts(hits, sum(int(mask.sum()) for mask in sure), drawn)


def _class_metrics(precisions: NDArray[np.float64], counts: _Counts) -> ClassMetrics:
    ap33, ap50, ap5095 = precisions[0], precisions[1], precisions[1:].mean()
    known = counts.drawn > 0
    return ClassMetrics(
        ap33=float(ap33) if known else None,
        ap50=float(ap50) if known else None,
        ap5095=float(ap5095) if known else None,
        f=counts.f,
        precision=_share(counts.hits, counts.found),
        recall=_share(counts.hits, counts.drawn),
        instances=counts.drawn,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
