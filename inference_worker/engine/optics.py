"""What a station's camera does to a picture, and how that is undone on the CPU.

The card does the same in the kernel that prepares its batches (`preparing.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.errors import CameraMismatch
from inference_worker.engine.preprocess import GREY
from inference_worker.engine.types import Image

PARTS = 256
"""A denoise strength is so many parts of the median, the rest of the photo."""

_MAPS = 8


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in pixels of the corrected photo."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Optics:
    """A station's camera and what it looks at.

    `size` is the (height, width) that it was calibrated at and every photo must have.
    `camera` is fx, fy, cx, cy in pixels; `distortion` k1, k2, p1, p2, k3 … as OpenCV
    has them, empty for a lens that needs no correction. `denoise` is 0 to 256.
    """

    size: tuple[int, int]
    camera: tuple[float, float, float, float] | None = None
    distortion: tuple[float, ...] = ()
    region: Region | None = None
    denoise: int = 0

    def __post_init__(self) -> None:
        seen, (height, width) = self.seen, self.size
        inside = seen.left >= 0 and seen.top >= 0 and min(seen.width, seen.height) > 0
        inside = inside and seen.left + seen.width <= width
        if not inside or seen.top + seen.height > height:
            raise ValueError(f"{self.region} does not lie in {width} x {height}")
        if self.distortion and self.camera is None:
            raise ValueError("a distortion wants the camera that it was measured with")
        if not 0 <= self.denoise <= PARTS:
            raise ValueError(f"denoise is 0 to {PARTS}, not {self.denoise}")

    @property
    def seen(self) -> Region:
        return self.region or Region(0, 0, self.size[1], self.size[0])

    def check(self, image: Image) -> None:
        """CameraMismatch for a photo of another size than was calibrated."""
        if image.shape[:2] != self.size:
            (tall, wide), (height, width) = self.size, image.shape[:2]
            raise CameraMismatch(
                f"the photo has {width} x {height} pixels, its station's camera was"
                f" calibrated at {wide} x {tall}"
            )


def correct(image: Image, optics: Optics) -> Image:
    """The region of the photo as a perfect camera sees it: denoised, then without the
    lens's bending, then cut. What the lens shows of nothing is grey.

    Raises CameraMismatch.
    """
    optics.check(image)
    if optics.denoise:
        share = optics.denoise / PARTS
        median = cv2.medianBlur(np.ascontiguousarray(image), 3)
        image = np.asarray(cv2.addWeighted(median, share, image, 1 - share, 0))
    if optics.distortion:
        image = _straightened(image, optics)
    seen = optics.seen
    return image[seen.top : seen.top + seen.height, seen.left : seen.left + seen.width]


@lru_cache(maxsize=_MAPS)
def maps(optics: Optics) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """Where each corrected pixel comes from: (height, width, 2) whole x and y, and
    (height, width) what is beyond, y * 32 + x in 1/32 pixel.
    """
    if optics.camera is None:
        raise ValueError("a camera without a lens has no maps")
    fx, fy, cx, cy = optics.camera
    camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)
    lens: NDArray[Any] = np.array(optics.distortion, np.float64)
    height, width = optics.size
    places, beyond = cv2.initUndistortRectifyMap(
        camera, lens, None, camera, (width, height), cv2.CV_16SC2
    )
    return np.asarray(places, np.int16), np.asarray(beyond, np.uint16)


def _straightened(image: Image, optics: Optics) -> Image:
    return np.asarray(
        cv2.remap(
            image,
            *maps(optics),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(GREY, GREY, GREY),
        )
    )
