"""How far the card's planes are from those of its twin on the CPU, in levels of 255.

    python -m benchmarks.inference.parity

Random photos of random sizes on random canvases, some of them through a lens, denoised
or cut. The bar is one level. Needs a card; the tests do the same with the kernel
compiled for the host.
"""

from __future__ import annotations

import json

import numpy as np

from inference_worker.engine.gpu import Gpu, open_gpu
from inference_worker.engine.optics import Optics, Region, correct
from inference_worker.engine.preparing import Layer, Preparer
from inference_worker.engine.preprocess import letterbox, plan

BATCHES = 60
MOST_IN_ONE = 6
SIZES = (512, 640, 1024)


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


if __name__ == "__main__":
    print(json.dumps(levels_apart()))
