"""Run a network over pictures and score what it finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from inference_worker.engine.metrics import Metrics, evaluate_detections
from inference_worker.engine.postprocess import find
from inference_worker.engine.preprocess import Geometry
from inference_worker.engine.types import Detections, Guesses
from inference_worker.training.augment import Batch
from inference_worker.training.network import QualityNet
from inference_worker.training.pictures import Pictures
from inference_worker.training.store import Stored

NMS_IOU = 0.45
_FLOOR = 0.001
_CANDIDATES = 1000  # anchors of an image that leave the device
_BATCH = 16


def predict(network: QualityNet, stored: Stored) -> list[Guesses]:
    """Detections in canvas pixels, down to a low score, for each picture."""
    device = next(network.parameters()).device
    height, width = stored.images.shape[-2:]
    whole = Geometry((height, width), (height, width), (height, width))
    found: list[Guesses] = []
    network.eval()
    with torch.inference_mode(), _no_search():
        for start in range(0, len(stored), _BATCH):
            at = torch.arange(start, min(start + _BATCH, len(stored)))
            preds = network(planes_of(stored, at, device, network.channels)).float()
            best = preds[..., 4:].amax(2).topk(min(_CANDIDATES, preds.shape[1]), 1)
            picked = best.indices[..., None].expand(-1, -1, preds.shape[2])
            found.extend(
                Guesses(
                    find(one, whole, _FLOOR, NMS_IOU, every_class=True),
                    find(one, whole, _FLOOR, NMS_IOU),
                )
                for one in preds.gather(1, picked).cpu().numpy()
            )
    return found


@contextmanager
def _no_search() -> Iterator[None]:
    """cuDNN's heuristics: a search for the odd rest of every set of pictures takes
    longer than looking at them.
    """
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def planes_of(
    stored: Stored, at: torch.Tensor, device: torch.device, channels: int
) -> torch.Tensor:
    """These pictures as a network of 3 or 6 channels takes them."""
    return network_input(stored.batch(at, device), channels)


def network_input(batch: Batch, channels: int) -> torch.Tensor:
    """(N, channels, H, W): RGB and, for 6 channels, the template's RGB behind it.

    Pictures of one plane are repeated.
    """
    layers = [batch.images.expand(-1, 3, -1, -1)]
    if channels == 6:
        if batch.templates is None:
            raise ValueError("a network that sees templates was given none")
        layers.append(batch.templates.expand(-1, 3, -1, -1))
    return torch.cat(layers, 1).contiguous(memory_format=torch.channels_last)


def score(
    network: QualityNet, stored: Stored, pictures: Pictures, threshold: float = 0.5
) -> Metrics:
    """Precision and F of the network on these pictures."""
    return judged(pictures, predict(network, stored), threshold)


def judged(pictures: Pictures, found: Sequence[Guesses], threshold: float) -> Metrics:
    """The figures of what `predict` found; a class that nobody looked for in these
    pictures is no false alarm there.
    """
    return evaluate_detections(
        pictures.truth,
        [asked(pictures, one.every) for one in found],
        pictures.classes,
        threshold,
        [asked(pictures, one.seen) for one in found],
    )


def asked(pictures: Pictures, found: Detections) -> Detections:
    """Those of classes that were looked for."""
    known = [name in pictures.known for name in pictures.classes]
    return found.take(np.array(known, bool)[found.class_ids])


def best_threshold(judging: Sequence[tuple[Pictures, Sequence[Guesses]]]) -> float:
    """The score at which F is best on all these pictures, in steps of 0.02.

    Of all thresholds within 0.002 of the best the middle one: a peak of few
    images is chance.
    """
    truth = [one for pictures, _ in judging for one in pictures.truth]
    seen = [asked(pictures, one.seen) for pictures, found in judging for one in found]
    classes = judging[0][0].classes
    steps = np.arange(10, 82, 2) / 100
    values = np.array(
        [evaluate_detections(truth, seen, classes, float(at)).f for at in steps]
    )
    good = np.flatnonzero(values >= values.max() - 0.002)
    return float(steps[good[len(good) // 2]])
