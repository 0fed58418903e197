"""Pictures on which every backend must see the same: drawn once, then kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inference_worker.engine.types import Image

SIDE = 640
_SEED = 77
_DRAWN = 4
_SQUARES = ((0, 64, 96), (2, 224, 416), (2, 480, 160), (2, 352, 512))
_FAINT = 10  # seen by registration, below what a detector takes for something


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """A picture with the golden template that a comparing model wants beside it."""

    name: str
    image: Image
    template: Image


def candidates() -> Iterator[Picture]:
    """Boards with defects first; then plain squares, for models of other things."""
    from traceability.demo.boards import ALL, draw_sample  # slow, and rarely needed

    for number in range(_DRAWN):
        drawn = draw_sample(np.random.default_rng((_SEED, number)), SIDE, ALL)
        yield Picture(f"drawn-{number}", drawn.image, drawn.template_image)
    yield _squares()


def _squares() -> Picture:
    """Squares of pure red and blue, so dark that registration knows the board."""
    template = np.zeros((SIDE, SIDE, 3), np.uint8)
    for left, top in np.random.default_rng(_SEED).integers(0, SIDE - 128, (24, 2)):
        template[top : top + 48, left : left + 128] = _FAINT
    image = template.copy()
    for channel, left, top in _SQUARES:
        image[top : top + 32, left : left + 32] = 0
        image[top : top + 32, left : left + 32, channel] = 255
    return Picture("squares", image, template)
