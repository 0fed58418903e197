"""What a station's camera does to a picture, how that is undone on the CPU, and the
way back for what was found.

The card undoes the same in the kernel that prepares its batches (`preparing.py`).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.boxes import areas
from inference_worker.engine.errors import CameraMismatch
from inference_worker.engine.preprocess import GREY
from inference_worker.engine.types import Detections, FloatArray, Image

log = logging.getLogger(__name__)

PARTS = 256
"""A denoise strength is so many parts of the median, the rest of the photo."""

MAPS_BYTES = 256 * 2**20
"""For maps of lenses: of 21 cameras of 2 megapixels, and those used last."""

AGAIN_SECONDS = 60.0

_POINTS = 9  # of each side of a box, which a lens bends


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

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of what is left of a photo."""
        return self.seen.height, self.seen.width

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Raises ValueError, TypeError or KeyError for what makes no sense."""
        (height, width), region = told["size"], told["region"]
        return cls(
            size=(height, width),
            camera=tuple(told["camera"]) if told["camera"] else None,
            distortion=tuple(told["distortion"]),
            region=Region(**region) if region else None,
            denoise=told["denoise"],
        )

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
    seen = optics.seen
    rows = slice(seen.top, seen.top + seen.height)
    columns = slice(seen.left, seen.left + seen.width)
    if not optics.distortion:
        return image[rows, columns]
    places, beyond = maps(optics)
    return _straightened(image, places[rows, columns], beyond[rows, columns])


Maps = tuple[NDArray[np.int16], NDArray[np.uint16]]

_kept: OrderedDict[Optics, Maps] = OrderedDict()
_dropped: dict[Optics, float] = {}
_told = threading.Event()
_changing = threading.Lock()


def maps(optics: Optics) -> Maps:
    """Where each corrected pixel comes from: (height, width, 2) whole x and y, and
    (height, width) what is beyond, y * 32 + x in 1/32 pixel. Made once for equal
    optics, while MAPS_BYTES last.
    """
    with _changing:
        if optics not in _kept:
            _tell_again(optics)
            _kept[optics] = _maps(optics)
        _kept.move_to_end(optics)
        while len(_kept) > 1 and sum(map(_nbytes, _kept.values())) > MAPS_BYTES:
            _dropped[_kept.popitem(last=False)[0]] = time.monotonic()
        return _kept[optics]


def _tell_again(optics: Optics) -> None:
    """Once, when maps are made that were dropped a moment ago: a card has room for no
    more of them either, and each batch brings some up anew.
    """
    since = time.monotonic() - _dropped.pop(optics, -math.inf)
    if since < AGAIN_SECONDS and not _told.is_set():
        _told.set()
        log.warning(
            "the maps of the cameras' lenses take more than %s MB together: they are "
            "made again and again, and photos wait for it",
            MAPS_BYTES // 2**20,
        )


def _nbytes(made: Maps) -> int:
    return sum(part.nbytes for part in made)


def _maps(optics: Optics) -> Maps:
    camera, lens = _matrices(optics)
    height, width = optics.size
    places, beyond = cv2.initUndistortRectifyMap(
        camera, lens, None, camera, (width, height), cv2.CV_16SC2
    )
    return np.asarray(places, np.int16), np.asarray(beyond, np.uint16)


def as_taken(found: Detections, optics: Optics) -> Detections:
    """What was found in a corrected photo, in pixels of the photo as it was taken.

    A box becomes the upright one around what the lens made of it, cut at the photo's
    edge; one that lies where the photo shows nothing is dropped.
    """
    seen = optics.seen
    moved = found.boxes + np.array([seen.left, seen.top] * 2, np.float32)
    if optics.distortion and len(found):
        moved = _bent(moved, optics)
    height, width = optics.size
    boxes = np.clip(moved, 0, np.array([width, height] * 2, np.float32))
    kept = Detections(boxes, found.scores, found.class_ids)
    return kept.take(areas(boxes) > 0)


def _bent(boxes: FloatArray, optics: Optics) -> FloatArray:
    """(n, 4) around the boxes' sides as the lens shows them."""
    left, top, right, bottom = boxes.astype(np.float64).T[..., None]
    along = np.linspace(0, 1, _POINTS)
    across, down = left + along * (right - left), top + along * (bottom - top)
    x = np.hstack([across, across, left + 0 * along, right + 0 * along])
    y = np.hstack([top + 0 * along, bottom + 0 * along, down, down])
    places = bent(np.stack([x, y], -1).reshape(-1, 2), optics)
    places = places.reshape(len(boxes), -1, 2)
    return np.hstack([places.min(1), places.max(1)]).astype(np.float32)


def bent(places: NDArray[np.float64], optics: Optics) -> NDArray[np.float64]:
    """(n, 2) x, y of the corrected photo to where the lens put them; in both, a pixel
    covers from its number to the next.
    """
    camera, lens = _matrices(optics)
    fx, fy, cx, cy = camera[0, 0], camera[1, 1], camera[0, 2], camera[1, 2]
    rays = (places - 0.5 - [cx, cy]) / [fx, fy]
    ahead = np.hstack([rays, np.ones((len(rays), 1))])
    still = np.zeros(3)
    shown, _ = cv2.projectPoints(ahead, still, still, camera, lens)
    return np.asarray(shown, np.float64).reshape(-1, 2) + 0.5


def _straightened(
    image: Image, places: NDArray[np.int16], beyond: NDArray[np.uint16]
) -> Image:
    return np.asarray(
        cv2.remap(
            image,
            places,
            beyond,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(GREY, GREY, GREY),
        )
    )


def _matrices(optics: Optics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The camera's (3, 3) and the lens's coefficients, as OpenCV wants them."""
    if optics.camera is None:
        raise ValueError("these optics have no lens")
    fx, fy, cx, cy = optics.camera
    camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)
    return camera, np.array(optics.distortion, np.float64)
