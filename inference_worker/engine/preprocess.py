"""From images of any size to the few canvas shapes a network runs at, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from inference_worker.engine.types import FloatArray, Image

GREY = 114
"""What fills the canvas beside the image; networks are trained with it."""

_SHRINK_ALLOWED = 0.9
_AREA_BELOW = 0.5


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where an image lies on its canvas: its top left corner in the canvas's.

    `content` and `canvas` are (height, width) in canvas pixels, `original` in the
    image's own; the rest of the canvas, right and below, is grey.
    """

    original: tuple[int, int]
    content: tuple[int, int]
    canvas: tuple[int, int]

    @property
    def scale(self) -> FloatArray:
        """(4,) canvas pixels for one of the image's, as x, y, x, y.

        x and y differ by the rounding of `content` to whole pixels.
        """
        y, x = np.divide(self.content, self.original)
        return np.array([x, y, x, y], np.float32)

    def to_original(self, boxes: FloatArray) -> FloatArray:
        """(n, 4) boxes in canvas pixels, brought back and cut at the image's edge."""
        height, width = self.original
        edge = np.array([width, height, width, height], np.float32)
        clipped: FloatArray = np.clip(boxes / self.scale, 0.0, edge)
        return clipped


def plan(height: int, width: int, sizes: Sequence[int], stride: int) -> Geometry:
    """The canvas for an image: aspect kept, sides multiples of `stride`.

    The long side becomes the smallest of `sizes` (rising) that does not shrink the
    image by more than a tenth, or else the largest; the short side follows, so a
    4:3 photo costs three quarters of a square.
    """
    longest = max(height, width)
    fitting = [size for size in sizes if size >= _SHRINK_ALLOWED * longest]
    ratio = (fitting[0] if fitting else sizes[-1]) / longest
    content = (max(1, round(height * ratio)), max(1, round(width * ratio)))
    canvas = (_round_up(content[0], stride), _round_up(content[1], stride))
    return Geometry((height, width), content, canvas)


def letterbox(image: Image, geometry: Geometry) -> Image:
    """uint8 canvas (height, width, 3): the image resized, grey beside it.

    Bilinear, but by area below half size, where bilinear would step over pixels
    and lose thin traces.
    """
    height, width = geometry.content
    if (height, width) != geometry.original:
        shrinking = max(height, width) < _AREA_BELOW * max(geometry.original)
        how = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, (width, height), interpolation=how))
    if geometry.canvas == geometry.content:
        return image
    canvas = np.full((*geometry.canvas, 3), GREY, np.uint8)
    canvas[:height, :width] = image
    return canvas


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
