"""Photograph a copper mask: looks, optics, light and noise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from traceability.demo.boards.model import Box, Image, Mask

Rng = np.random.Generator
Colour = tuple[int, int, int]
Look = Literal["binary", "grey", "colour"]

_COVERED = 4  # the first palettes are of boards under solder mask
_PADS: tuple[Colour, ...] = ((222, 186, 110), (206, 208, 204))  # gold, tin
_PALETTES: tuple[tuple[Colour, Colour], ...] = (
    # copper and laminate under solder mask: two greens, blue, red
    ((72, 140, 74), (18, 70, 34)),
    ((96, 158, 92), (34, 92, 48)),
    ((70, 116, 176), (18, 40, 94)),
    ((176, 62, 52), (96, 20, 22)),
    # bare copper on laminate
    ((205, 160, 92), (60, 92, 46)),
    ((214, 178, 120), (112, 84, 40)),
    ((196, 134, 88), (28, 58, 66)),
)


@dataclass(frozen=True)
class Camera:
    """How one photo is taken.

    `copper` and `laminate` are RGB; `pads` is the colour of bare copper, if it
    differs. `blur` is a Gaussian sigma in pixels,
    `noise` a standard deviation in grey levels, `light` the relative fall of
    brightness across the picture, `jpeg` a quality or 0 for none. The board
    is turned by `rotation_deg` about its centre and moved by `shift_x`,
    `shift_y` pixels.
    """

    look: Look
    copper: Colour
    laminate: Colour
    blur: float = 0.0
    noise: float = 0.0
    light: float = 0.0
    jpeg: int = 0
    rotation_deg: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    pads: Colour | None = None


_LOOKS: dict[Look, float] = {"binary": 0.64, "grey": 0.14, "colour": 0.22}


def random_camera(rng: Rng, looks: Collection[Look] = tuple(_LOOKS)) -> Camera:
    """Any camera the detector should cope with, scanners most of all.

    `looks` limits the kinds; their shares among themselves stay.
    """
    shares = np.array([_LOOKS[look] * (look in looks) for look in _LOOKS])
    look = tuple(_LOOKS)[rng.choice(len(_LOOKS), p=shares / shares.sum())]
    if look == "binary":
        return Camera("binary", (0, 0, 0), (255, 255, 255), jpeg=_quality(rng, 0.15))
    return real_camera(rng, look)


def real_camera(rng: Rng, look: Look, covered: bool = False) -> Camera:
    """A camera with optics and noise; `look` is grey or colour.

    With `covered` the board in colour wears solder mask and has bare pads.
    """
    copper, laminate, pads = _grey(rng), _grey(rng, bright=True), None
    if look == "colour":
        chosen = int(rng.integers(_COVERED if covered else len(_PALETTES)))
        copper, laminate = (_tinted(rng, colour) for colour in _PALETTES[chosen])
        if chosen < _COVERED and (covered or rng.random() < 0.6):
            pads = _tinted(rng, _PADS[rng.integers(len(_PADS))])
    return Camera(
        look,
        copper,
        laminate,
        pads=pads,
        blur=float(rng.uniform(0.3, 1.3)),
        noise=float(rng.uniform(1.0, 9.0)),
        light=float(rng.uniform(0.0, 0.3)),
        jpeg=_quality(rng, 0.5),
        rotation_deg=float(rng.normal(0.0, 0.8)),
        shift_x=float(rng.normal(0.0, 2.0)),
        shift_y=float(rng.normal(0.0, 2.0)),
    )


def photograph(mask: Mask, rng: Rng, camera: Camera, bare: Mask | None = None) -> Image:
    """The photo of a copper mask, uint8 RGB (H, W, 3).

    `bare` says where copper, if there is any, has the colour `camera.pads`.
    """
    photo = _developed(_posed(mask, camera), camera.copper, camera)
    if bare is not None and camera.pads is not None:
        golden = _developed(_posed(mask, camera), camera.pads, camera)
        cv2.copyTo(golden, _posed(bare, camera), photo)
    if camera.blur:
        photo = _bytes(cv2.GaussianBlur(photo, (0, 0), camera.blur))
    if camera.light:
        light = _light(rng, camera, mask.shape)
        photo = _bytes(cv2.multiply(photo, light, dtype=cv2.CV_8U))
    if camera.noise:
        grain = _grain(rng, camera.noise, mask.shape)
        photo = _bytes(cv2.add(photo, grain, dtype=cv2.CV_8U))
    return _compressed(photo, camera.jpeg) if camera.jpeg else photo


def _bytes(picture: npt.ArrayLike) -> Image:
    return np.asarray(picture, np.uint8)


def _posed(mask: Mask, camera: Camera) -> Image:
    """Coverage 0..255 of each pixel, as the camera sees the mask."""
    soft = _bytes(mask.astype(np.uint8) * 255)
    if not (camera.rotation_deg or camera.shift_x or camera.shift_y):
        return soft
    size = (soft.shape[1], soft.shape[0])
    pose = _pose(camera, soft.shape)
    return _bytes(cv2.warpAffine(soft, pose, size, borderMode=cv2.BORDER_REPLICATE))


def moved_boxes(
    boxes: Sequence[Box], camera: Camera, shape: tuple[int, ...]
) -> list[Box]:
    """The boxes where the camera sees them, cut at the border of the photo."""
    pose = _pose(camera, shape)
    return [_moved(box, pose, shape) for box in boxes]


def _moved(box: Box, pose: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Box:
    centre = np.array([box.x + box.width / 2, box.y + box.height / 2, 1.0])
    x, y = pose @ centre
    left, right = max(0.0, x - box.width / 2), x + box.width / 2
    top, bottom = max(0.0, y - box.height / 2), y + box.height / 2
    right, bottom = min(float(shape[1]), right), min(float(shape[0]), bottom)
    return Box(box.category, left, top, right - left, bottom - top)


def _pose(camera: Camera, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    middle = (shape[1] / 2, shape[0] / 2)
    pose = cv2.getRotationMatrix2D(middle, camera.rotation_deg, 1.0)
    move = np.array([[0.0, 0.0, camera.shift_x], [0.0, 0.0, camera.shift_y]])
    return np.asarray(pose + move)


def _developed(soft: Image, copper: Colour, camera: Camera) -> Image:
    """Coverage 0..255 to RGB between copper and laminate."""
    if camera.look == "binary":
        soft = _bytes(cv2.threshold(soft, 127, 255, cv2.THRESH_BINARY)[1])
    share = np.arange(256)[:, None] / 255.0
    ramp = share * copper + (1 - share) * camera.laminate
    table = np.round(ramp).astype(np.uint8)[:, None, :]
    return _bytes(cv2.LUT(cv2.merge((soft, soft, soft)), table))


def _light(rng: Rng, camera: Camera, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    knots = 1.0 - camera.light * rng.uniform(0.0, 1.0, (3, 3)).astype(np.float32)
    field = cv2.resize(knots, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.merge((field, field, field)), np.float32)


@lru_cache(maxsize=1)
def _film() -> npt.NDArray[np.int16]:
    """Unit noise times 16 to cut random windows from: 1536 pixels square, RGB."""
    rng = np.random.default_rng(0)
    grey = rng.standard_normal((1536, 1536, 1), np.float32)
    tint = rng.standard_normal((1536, 1536, 3), np.float32)
    return np.asarray(np.round(16 * (0.8 * grey + 0.6 * tint)), np.int16)


def _grain(rng: Rng, noise: float, shape: tuple[int, ...]) -> npt.NDArray[np.int16]:
    film = _film()
    if max(shape[:2]) > film.shape[0]:
        repeats = -(-max(shape[:2]) // film.shape[0])
        film = np.tile(film, (repeats, repeats, 1))
    y = int(rng.integers(film.shape[0] - shape[0] + 1))
    x = int(rng.integers(film.shape[1] - shape[1] + 1))
    window = film[y : y + shape[0], x : x + shape[1]]
    return np.asarray(cv2.addWeighted(window, noise / 16.0, window, 0.0, 0.0), np.int16)


def _compressed(photo: Image, quality: int) -> Image:
    flag = cv2.IMWRITE_JPEG_QUALITY
    _, data = cv2.imencode(".jpg", photo[..., ::-1], [flag, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("the photo could not be compressed")
    return _bytes(np.ascontiguousarray(decoded[..., ::-1]))


def _quality(rng: Rng, share: float) -> int:
    return int(rng.integers(55, 96)) if rng.random() < share else 0


def _grey(rng: Rng, bright: bool = False) -> Colour:
    level = int(rng.integers(150, 245) if bright else rng.integers(15, 105))
    return level, level, level


def _tinted(rng: Rng, colour: Colour) -> Colour:
    red, green, blue = np.clip(np.array(colour) + rng.normal(0, 9, 3), 0, 255)
    return int(red), int(green), int(blue)
