"""Measuring a detector on labelled images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inference_worker.engine.api import Detector
from inference_worker.engine.backends.base import MAX_BATCH
from inference_worker.engine.coco import Sample
from inference_worker.engine.decode import decode_file
from inference_worker.engine.metrics import Metrics, evaluate_detections
from inference_worker.engine.types import Guesses

LOWEST_SCORE = 0.001
"""Average precision wants every guess; COCO's own practice."""


def find_all(detector: Detector, samples: Sequence[Sample]) -> Iterator[Guesses]:
    """What the detector finds in each sample, down to LOWEST_SCORE, as it goes.

    Holds MAX_BATCH decoded images at a time. Raises ImageError naming the file.
    """
    for start in range(0, len(samples), MAX_BATCH):
        some = samples[start : start + MAX_BATCH]
        images = [decode_file(sample.path) for sample in some]
        templates = None
        if detector.wants_templates:
            templates = [decode_file(sample.template) for sample in some]
        yield from detector.guess(images, templates, LOWEST_SCORE)


def measure(
    detector: Detector, samples: Sequence[Sample], found: Sequence[Guesses]
) -> Metrics:
    """The figures of `find_all`'s result: average precision of all guesses, F of what a
    line would see at the threshold that the model ships with.
    """
    return evaluate_detections(
        [sample.truth for sample in samples],
        [one.every for one in found],
        detector.classes,
        detector.threshold,
        seen=[one.seen for one in found],
    )
