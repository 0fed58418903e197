"""From images of any size to the few canvas shapes a network runs at, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from inference_worker.engine.types import FloatArray, Image

GREY = 114
"""What fills the canvas beside the image; networks are trained with it."""

_SHRINK_ALLOWED = 0.9
_AREA_BELOW = 0.5

LETTERBOX, CORNER = "letterbox", "corner"
CENTRE, CENTRE_UNROUNDED = "centre", "centre-unrounded"
STRETCH, STRETCH_SMOOTH = "stretch", "stretch-smooth"
STRETCHED = (STRETCH, STRETCH_SMOOTH)
FITS = (LETTERBOX, CENTRE, CENTRE_UNROUNDED, CORNER, *STRETCHED)
"""How an image meets its canvas: each as the runtime does that the network comes from.

- `letterbox`: ours. Aspect kept, in the corner; by area below half size.
- `centre`: Ultralytics. Aspect kept, in the middle; bilinear.
- `centre-unrounded`: YOLOv5, YOLOv7. The same; boxes go back as if content and margin
  had not been rounded to whole pixels.
- `corner`: YOLOX. Aspect kept, sides rounded down, in the corner; bilinear.
- `stretch`: Ultralytics' RT-DETR. Over the whole canvas; bilinear.
- `stretch-smooth`: RT-DETR, D-FINE, RF-DETR. The same, smoothed where it shrinks.
"""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where an image lies on its canvas.

    `content` and `canvas` are (height, width) in canvas pixels, `original` in the
    image's own, `offset` (top, left) of the content; the rest of the canvas is grey.
    `ratio` is given where boxes go back by it and not by the sides of `content`.
    """

    original: tuple[int, int]
    content: tuple[int, int]
    canvas: tuple[int, int]
    offset: tuple[int, int] = (0, 0)
    ratio: float | None = None
    fit: str = LETTERBOX

    @property
    def scale(self) -> FloatArray:
        """(4,) canvas pixels for one of the image's, as x, y, x, y.

        x and y differ by the rounding of `content` to whole pixels.
        """
        if self.ratio is not None:
            return np.full(4, self.ratio, np.float32)
        y, x = np.divide(self.content, self.original)
        return np.array([x, y, x, y], np.float32)

    def to_original(self, boxes: FloatArray) -> FloatArray:
        """(n, 4) boxes in canvas pixels, brought back and cut at the image's edge."""
        height, width = self.original
        top, left = self._margin()
        edge = np.array([width, height, width, height], np.float32)
        moved = boxes - np.array([left, top, left, top], np.float32)
        clipped: FloatArray = np.clip(moved / self.scale, 0.0, edge)
        return clipped

    def _margin(self) -> tuple[float, float]:
        """What lies above and left of the content, in canvas pixels."""
        if self.fit != CENTRE_UNROUNDED or self.ratio is None:
            return self.offset
        (tall, wide), (height, width) = self.canvas, self.original
        return (tall - height * self.ratio) / 2, (wide - width * self.ratio) / 2


def plan(
    height: int,
    width: int,
    sizes: Sequence[int],
    stride: int,
    fit: str = LETTERBOX,
    canvas: tuple[int, int] | None = None,
) -> Geometry:
    """The canvas for an image, one of FITS: aspect kept unless the fit stretches.

    Without a `canvas`, the long side becomes the smallest of `sizes` (rising) that
    does not shrink the image by more than a tenth, or else the largest; the short side
    follows in multiples of `stride`, so a 4:3 photo costs three quarters of a square.
    """
    size = _size(max(height, width), sizes)
    frame = canvas or (size, size)
    if fit in STRETCHED:
        return Geometry((height, width), frame, frame, fit=fit)
    ratio = min(frame[0] / height, frame[1] / width)
    whole = math.floor if fit == CORNER else round
    content = (max(1, whole(height * ratio)), max(1, whole(width * ratio)))
    if canvas is None:
        frame = (_round_up(content[0], stride), _round_up(content[1], stride))
    return Geometry(
        (height, width),
        content,
        frame,
        _middle(content, frame) if fit in (CENTRE, CENTRE_UNROUNDED) else (0, 0),
        ratio if fit in (CORNER, CENTRE_UNROUNDED) else None,
        fit,
    )


def letterbox(image: Image, geometry: Geometry) -> Image:
    """uint8 canvas (height, width, 3): the image resized, grey beside it.

    Bilinear, but with our own fit by area below half size, where bilinear would step
    over pixels and lose thin traces.
    """
    height, width = geometry.content
    top, left = geometry.offset
    if (height, width) != geometry.original:
        image = _resized(image, geometry)
    if geometry.canvas == geometry.content:
        return image
    canvas = np.full((*geometry.canvas, 3), GREY, np.uint8)
    canvas[top : top + height, left : left + width] = image
    return canvas


def shrinks_by_area(geometry: Geometry) -> bool:
    """Whether every pixel counts alike, or only the four around a place."""
    shrinking = max(geometry.content) < _AREA_BELOW * max(geometry.original)
    return shrinking and geometry.fit == LETTERBOX


def _resized(image: Image, geometry: Geometry) -> Image:
    height, width = geometry.content
    if geometry.fit == STRETCH_SMOOTH:
        # A bare GPU machine has no Pillow, and no use for it.
        from PIL import Image as Pillow

        picture = Pillow.fromarray(image)
        return np.asarray(picture.resize((width, height), Pillow.Resampling.BILINEAR))
    how = cv2.INTER_AREA if shrinks_by_area(geometry) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=how))


def _size(longest: int, sizes: Sequence[int]) -> int:
    fitting = [size for size in sizes if size >= _SHRINK_ALLOWED * longest]
    return fitting[0] if fitting else sizes[-1]


def _middle(content: tuple[int, int], canvas: tuple[int, int]) -> tuple[int, int]:
    """Ultralytics' own: of an odd margin the smaller half comes first."""
    top, left = ((b - a) / 2 for a, b in zip(content, canvas, strict=True))
    return round(top - 0.1), round(left - 0.1)


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
