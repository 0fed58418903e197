"""Where the pictures of a training came from, for its card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from inference_worker.training.card import Source
from inference_worker.training.datasets import Labelled
from inference_worker.training.pictures import Pictures


def of_samples(
    origin: str, samples: Sequence[Labelled], classes: Sequence[str], held: int
) -> Source:
    boxes = Counter(classes[i] for sample in samples for i in sample.class_ids)
    normal = sum(len(sample.class_ids) == 0 for sample in samples)
    return Source(origin, len(samples), dict(boxes), normal, held)


def of_pictures(origin: str, pictures: Pictures) -> Source:
    boxes = Counter(pictures.classes[i] for t in pictures.truth for i in t.class_ids)
    normal = sum(len(truth) == 0 for truth in pictures.truth)
    return Source(origin, len(pictures), dict(boxes), normal, 0)
