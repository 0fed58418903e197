"""Measuring a detector on labelled images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inference_worker.engine.api import Detector
from inference_worker.engine.backends.base import MAX_BATCH
from inference_worker.engine.coco import Sample
from inference_worker.engine.decode import decode_file
from inference_worker.engine.metrics import Metrics, evaluate_detections
from inference_worker.engine.types import Detections

LOWEST_SCORE = 0.001
"""Average precision wants every guess; COCO's own practice."""


def find_all(detector: Detector, samples: Sequence[Sample]) -> Iterator[Detections]:
    """What the detector finds in each sample, down to LOWEST_SCORE, as it goes.

    Holds MAX_BATCH decoded images at a time. Raises ImageError naming the file.
    """
    for start in range(0, len(samples), MAX_BATCH):
        some = samples[start : start + MAX_BATCH]
        images = [decode_file(sample.path) for sample in some]
        templates = None
        if detector.wants_templates:
            templates = [decode_file(sample.template) for sample in some]
        yield from detector.infer(images, templates, threshold=LOWEST_SCORE)


def measure(
    detector: Detector, samples: Sequence[Sample], found: Sequence[Detections]
) -> Metrics:
    """The figures of `find_all`'s result; F at the threshold the model ships with."""
    truth = [sample.truth for sample in samples]
    return evaluate_detections(truth, found, detector.classes, detector.threshold)
