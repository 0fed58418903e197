"""A finder on a card of the host, beside `postprocess.find`; and what networks say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference_worker.engine import gpu
from inference_worker.engine.backends.base import Source
from inference_worker.engine.finding import Finder
from inference_worker.engine.optics import Optics, as_taken
from inference_worker.engine.postprocess import find
from inference_worker.engine.preprocess import plan
from inference_worker.engine.types import Detections, FloatArray
from tests.contract.host_gpu import HostDriver

MOST = 4
SIDE = 640
PHOTO = np.zeros((1, 1, 3), np.uint8)


class Bench:
    """A card of the host and a finder on it, which all tests share as batches do."""

    def __init__(self) -> None:
        self.card = gpu.open_gpu(0, HostDriver(deferred=True).binding)
        self.stream = self.card.stream()
        self.finder = Finder(self.card, MOST)

    def found(
        self, preds: FloatArray, sources: Sequence[Source], *asked: float
    ) -> list[Detections] | None:
        output = self.card.alloc(preds.nbytes)
        self.card.upload(output, preds, self.stream)
        self.finder.queue(output, preds.shape, *asked, self.stream)
        self.stream.synchronize()
        output.free()
        return self.finder.found(sources)

    def agrees(
        self,
        preds: FloatArray,
        threshold: float = 0.3,
        iou: float = 0.5,
        sources: Sequence[Source] | None = None,
    ) -> list[Detections]:
        sources = sources or [seen(SIDE, SIDE)] * len(preds)
        found = self.found(preds, sources, threshold, iou)
        assert found is not None
        for one, mine, source in zip(preds, found, sources, strict=True):
            same(mine, expected(one, source, threshold, iou))
        return found


def expected(
    preds: FloatArray, source: Source, threshold: float, iou: float
) -> Detections:
    wanted = find(preds, source.geometry, threshold, iou)
    return as_taken(wanted, source.optics) if source.optics else wanted


def same(mine: Detections, wanted: Detections) -> None:
    for name in ("boxes", "scores", "class_ids"):
        a, b = getattr(mine, name), getattr(wanted, name)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.tobytes() == b.tobytes()


def seen(height: int, width: int, optics: Optics | None = None) -> Source:
    left = (optics.seen.height, optics.seen.width) if optics else (height, width)
    return Source((PHOTO,), plan(*left, (SIDE,), 32), optics)


def output(
    seed: int,
    images: int = 1,
    anchors: int = 300,
    classes: int = 3,
    share: float = 0.5,
    steps: int = 0,
) -> FloatArray:
    """Crowded boxes; `share` of the anchors may reach 0.3. With `steps`, scores and
    corners are multiples of a part of that many: equals everywhere.
    """
    draw = np.random.default_rng(seed)
    corner = draw.uniform(-30, 600, (images, anchors, 2))
    sides = draw.uniform(-10, 120, (images, anchors, 2))
    scores = draw.random((images, anchors, classes))
    scores[draw.random((images, anchors)) >= share] *= 0.3
    boxes = np.concatenate([corner, corner + sides], 2)
    if steps:
        scores = np.round(scores * steps) / steps
        boxes = np.round(boxes * steps / 640) * 640 / steps
    return np.concatenate([boxes, scores], 2).astype(np.float32)
