"""From a network's raw output to the defects of one image."""

from __future__ import annotations

import numpy as np

from inference_worker.engine.boxes import areas
from inference_worker.engine.heads import decode_ours
from inference_worker.engine.nms import nms
from inference_worker.engine.preprocess import Geometry
from inference_worker.engine.types import Detections, FloatArray

MAX_CANDIDATES = 1000
"""Best-scored boxes that suppression looks at; bounds its time on a bad image."""

MAX_DETECTIONS = 300


def find(
    preds: FloatArray,
    geometry: Geometry,
    threshold: float,
    nms_iou: float,
    every_class: bool = False,
) -> Detections:
    """Defects best first, in original pixels, at most MAX_DETECTIONS.

    `preds` is one image's (anchors, 4 + classes). Boxes that lie off the image
    altogether are dropped, the others cut at its edge. `every_class`: see decode_ours.
    """
    found = decode_ours(preds, threshold, every_class)
    found = found.take(np.argsort(-found.scores, kind="stable")[:MAX_CANDIDATES])
    kept = nms(found.boxes, found.scores, found.class_ids, nms_iou)
    found = found.take(kept[:MAX_DETECTIONS])
    boxes = geometry.to_original(found.boxes)
    found = Detections(boxes, found.scores, found.class_ids)
    return found.take(areas(boxes) > 0)
