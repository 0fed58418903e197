"""What a lens makes of a photo, for people; detectors have the engine's own."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from traceability.inspection.cameras import Optics

_GRID = 41
_STEP = 1.0


def preview(jpeg: bytes, row: Optics) -> bytes:
    """A photo of any size as a detector sees it, but for noise: without the lens's
    bending, cut to the region. JPEG.
    """
    image = _decoded(jpeg)
    scale = image.shape[1] / row.width
    if row.distortion:
        camera = _matrix(row) * scale
        camera[2, 2] = 1
        image = np.asarray(cv2.undistort(image, camera, np.array(row.distortion)))
    left, top, width, height = row.region or (0, 0, row.width, row.height)
    rows = _part(top * scale, height * scale, image.shape[0])
    columns = _part(left * scale, width * scale, image.shape[1])
    done, out = cv2.imencode(".jpg", image[rows, columns])
    if not done:
        raise ValueError("the preview could not be encoded")
    return bytes(out)


def _part(start: float, length: float, side: int) -> slice:
    """Of a side in pixels; one at least, however small the photo was made."""
    first = min(round(start), side - 1)
    return slice(first, max(first + 1, round(start + length)))


def _decoded(jpeg: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("the preview could not be decoded")
    return np.asarray(image, np.uint8)


def folds(row: Optics) -> bool:
    """Whether the region shows one place of the photo twice: a lens described by points
    from its middle alone may do so towards the corners.
    """
    if not row.distortion:
        return False
    places = _places(row)
    here = _bent(places, row)
    right, below = (
        _bent(places + step, row) - here for step in ([_STEP, 0], [0, _STEP])
    )
    turned = right[:, 0] * below[:, 1] - right[:, 1] * below[:, 0] <= 0
    return bool((turned & _shown(here, row)).any())


def shown_share(row: Optics) -> float:
    """Of what is looked at, the share that the lens shows anything of; the rest is
    grey.
    """
    if not row.distortion:
        return 1.0
    return float(_shown(_bent(_places(row), row), row).mean())


def _places(row: Optics) -> NDArray[np.float64]:
    """(n, 2) pixels of the corrected photo, all over what is looked at."""
    left, top, width, height = row.region or (0, 0, row.width, row.height)
    across = np.linspace(left, left + width - 1, _GRID)
    down = np.linspace(top, top + height - 1, _GRID)
    return np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)


def _shown(here: NDArray[np.float64], row: Optics) -> NDArray[np.bool_]:
    """Which of these places lie in the photo as it was taken."""
    inside = (here >= 0) & (here < [row.width, row.height])
    return np.asarray(inside.all(1), np.bool_)


def _bent(places: NDArray[np.float64], row: Optics) -> NDArray[np.float64]:
    """(n, 2) pixels of the corrected photo to those of the photo as it was taken."""
    fx, fy, cx, cy = row.camera
    ahead = np.column_stack([(places - [cx, cy]) / [fx, fy], np.ones(len(places))])
    still, lens = np.zeros(3), np.array(row.distortion)
    shown, _ = cv2.projectPoints(ahead, still, still, _matrix(row), lens)
    return np.asarray(shown, np.float64).reshape(-1, 2)


def _matrix(row: Optics) -> NDArray[np.float64]:
    fx, fy, cx, cy = row.camera
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)
