"""How far the card's planes are from those of its twin on the CPU, in levels of 255;
and of how many images it finds other boxes than the CPU.

    python -m benchmarks.inference.parity

Random photos of random sizes on random canvases, some of them through a lens, denoised
or cut: the bar is one level. Random outputs of a network, from few candidates to
thousands: no bit may differ. Needs a card; the tests do the same with the kernels
compiled for the host.
"""

from __future__ import annotations

import json

import numpy as np

from inference_worker.engine.backends.base import Source
from inference_worker.engine.finding import LISTED, Finder
from inference_worker.engine.gpu import Gpu, open_gpu
from inference_worker.engine.optics import Optics, Region, correct
from inference_worker.engine.postprocess import find
from inference_worker.engine.preparing import Layer, Preparer
from inference_worker.engine.preprocess import Geometry, letterbox, plan
from inference_worker.engine.types import Detections, FloatArray

BATCHES = 60
MOST_IN_ONE = 6
SIZES = (512, 640, 1024)
_THRESHOLD, _IOU = 0.3, 0.5


def levels_apart() -> dict[str, float]:
    """The largest difference in float16 and in float32."""
    card = open_gpu()
    draw = np.random.default_rng(0)
    with card.active():
        return {
            kind: max(_apart(card, draw, half) for _ in range(BATCHES))
            for kind, half in (("f16", True), ("f32", False))
        }


def _apart(card: Gpu, draw: np.random.Generator, half: bool) -> float:
    side = int(draw.choice(SIZES))
    layers = [_layer(draw, side) for _ in range(draw.integers(1, MOST_IN_ONE + 1))]
    planes = np.zeros((len(layers), 3, side, side), np.float16 if half else np.float32)
    target, stream = card.alloc(planes.nbytes), card.stream()
    preparer = Preparer(card, half)
    preparer.prepare(layers, target, (side, side), stream)
    card.download(planes, target, stream)
    stream.synchronize()
    preparer.close()
    target.free()
    wanted = np.stack([_twin(layer) for layer in layers])
    return float(np.abs(planes.astype(np.float32) * 255 - wanted).max())


def _layer(draw: np.random.Generator, side: int) -> Layer:
    height, width = (int(n) for n in draw.integers(30, 2200, 2))
    photo = draw.integers(0, 256, (height, width, 3), np.uint8)
    optics = _optics(draw, height, width) if draw.random() < 0.5 else None
    seen = (optics.seen.height, optics.seen.width) if optics else (height, width)
    return Layer(photo, plan(*seen, (side,), 32, canvas=(side, side)), optics)


def _optics(draw: np.random.Generator, height: int, width: int) -> Optics:
    camera = (1.1 * width, 1.1 * width, width / 2 + 3.3, height / 2 - 2.1)
    bent = tuple(float(k) for k in draw.normal(0, (0.2, 0.05, 0.002, 0.002, 0.01)))
    cut = Region(width // 8, height // 9, width // 2, height // 2)
    return Optics(
        (height, width),
        camera,
        bent if draw.random() < 0.7 else (),
        cut if draw.random() < 0.5 else None,
        int(draw.choice([0, 60, 256])),
    )


def _twin(layer: Layer) -> np.ndarray:
    image = correct(layer.image, layer.optics) if layer.optics else layer.image
    return letterbox(image, layer.geometry).transpose(2, 0, 1).astype(np.float32)


def images_apart(images: int = 32) -> dict[str, int]:
    """Images whose boxes, scores or classes differ in any bit; of how many; and of how
    many of those boxes were kept.
    """
    card, draw = open_gpu(), np.random.default_rng(0)
    geometry = plan(700, 1000, (640,), 32)
    sources = [Source((np.zeros((1, 1, 3), np.uint8),), geometry)] * images
    counts = {"apart": 0, "images": 0, "boxes": 0}
    with card.active():
        finder = Finder(card, images)
        for share in (0.001, 0.01, 0.1, 0.4):
            preds = network_output(draw, images, share)
            found = _found(card, finder, preds, sources)
            wanted = [_wanted(one, geometry) for one in preds]
            counts["apart"] += sum(map(_unlike, found, wanted))
            counts["images"] += images
            counts["boxes"] += sum(map(len, wanted))
        finder.close()
    return counts


def network_output(draw: np.random.Generator, images: int, share: float) -> FloatArray:
    """(images, 8400, 4 + 6): boxes in a crowd, that share of them above 0.3; scores of
    few steps, so that many are equal.
    """
    corners = draw.uniform(0, 560, (images, 8400, 2))
    sides = draw.uniform(-2, 80, (images, 8400, 2))
    scores = np.round(draw.random((images, 8400, 6)), 2)
    scores[draw.random((images, 8400)) >= share] *= 0.29
    return np.concatenate([corners, corners + sides, scores], 2).astype(np.float32)


def _found(
    card: Gpu, finder: Finder, preds: FloatArray, sources: list[Source]
) -> list[Detections]:
    output, stream = card.alloc(preds.nbytes), card.stream()
    card.upload(output, preds, stream)
    finder.queue(output, preds.shape, _THRESHOLD, _IOU, stream)
    stream.synchronize()
    output.free()
    found = finder.found(sources)
    if found is None:
        raise ValueError(f"more than {LISTED} candidates were drawn")
    return found


def _wanted(preds: FloatArray, geometry: Geometry) -> Detections:
    return find(preds, geometry, _THRESHOLD, _IOU)


def _unlike(one: Detections, other: Detections) -> bool:
    names = ("boxes", "scores", "class_ids")
    return any(getattr(one, n).tobytes() != getattr(other, n).tobytes() for n in names)


if __name__ == "__main__":
    print(json.dumps(levels_apart() | images_apart()))
