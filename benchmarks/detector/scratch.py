"""A scratch: a long thin groove across copper and laminate that cuts and joins nothing.

In grey and colour it is partly transparent, a bright edge with a dark one beside it (or
the other way round), so that it shows on both materials. A 1-bit scanner sees it as a
dotted hairline: white on copper, black on laminate, with dots too short to cut a track.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from traceability.demo.boards import Box
from traceability.demo.boards.habits import USUAL
from traceability.demo.boards.looks import as_rgb, copper_mask
from traceability.demo.boards.model import Canvas, Image, Mask, Points

Rng = np.random.Generator

SCRATCH = "scratch"
LENGTHS = (40.0, 200.0)  # pixels
_BEND = 0.08  # of the length: the most that the middle lies beside the chord
_BORDER = 12  # pixels kept free along the border of the photo
_BOTH = 0.2  # of the length, at least, on copper and as much on laminate
_TRIES = 200
_FIXED = 3  # fractional bits of a drawn point
_SEEN = 40  # of 255: coverage from which a pixel counts as painted
_DOTS = (2, 5)  # pixels along the groove: at least, less than
_GAPS = (2, 4)


def scratched(
    photo: Image, count: int, boxes: Sequence[Box], rng: Rng, *, two_levels: bool
) -> tuple[Image, list[Box]]:
    """The RGB photo with `count` scratches, and their boxes alone.

    They keep off `boxes` and each other; one that finds no room is left out.
    `two_levels`: the photo is of a 1-bit scanner.
    """
    copper, own = copper_mask(as_rgb(photo)), list[Box]()
    for _ in range(count):
        path = _placed(copper, [*boxes, *own], rng)
        if path is not None:
            mark = _dotted if two_levels else _engraved
            photo, painted = mark(photo, path, rng)
            own.append(_box(painted, rng))
    return photo, own


def _placed(copper: Mask, boxes: Sequence[Box], rng: Rng) -> Points | None:
    """A curve on the board, over both materials and outside all boxes."""
    height, width = copper.shape
    for _ in range(_TRIES):
        path = _curve(rng) + rng.uniform(_BORDER, (width - _BORDER, height - _BORDER))
        low, high = path.min(0), path.max(0)
        if low.min() < _BORDER or (high > (width - _BORDER, height - _BORDER)).any():
            continue
        x, y = np.round(path).astype(int).T
        mixed = _BOTH <= copper[y, x].mean() <= 1 - _BOTH
        if mixed and not any(_apart(path, box) for box in boxes):
            return path
    return None


def _curve(rng: Rng) -> Points:
    """(n, 2) points about a pixel apart, from the origin, bent to one side."""
    length, angle = rng.uniform(*LENGTHS), rng.uniform(0, 2 * np.pi)
    along = length * np.array([np.cos(angle), np.sin(angle)])
    aside = 2 * rng.uniform(-_BEND, _BEND) * np.array([-along[1], along[0]])
    t = np.linspace(0.0, 1.0, round(length) + 1)[:, None]
    curve: Points = 2 * t * (1 - t) * (along / 2 + aside) + t**2 * along
    return curve


def _apart(path: Points, box: Box) -> bool:
    low = np.array([box.x, box.y])
    inside = (path > low) & (path < low + (box.width, box.height))
    return bool(inside.all(1).any())


def _engraved(photo: Image, path: Points, rng: Rng) -> tuple[Image, Mask]:
    """Bright and dark edge of the groove, one of them fainter."""
    step = path[-1] - path[0]
    normal = np.array([-step[1], step[0]]) / np.linalg.norm(step)
    bright = rng.uniform(215, 255) * np.array([1.0, 0.99, 0.96])
    colours = [bright, np.full(3, rng.uniform(0, 45))]
    if rng.random() < 0.4:
        colours.reverse()
    alpha, width, soft = (
        rng.uniform(0.5, 0.85),
        rng.integers(1, 3),
        rng.uniform(0.4, 0.8),
    )
    press = _pressure(len(path), rng)
    core = _groove(photo, path, alpha * press, int(width), soft)
    edge = _groove(photo, path + 1.6 * normal, 0.7 * alpha * press, 1, soft)
    mixed = photo.astype(np.float32)
    for cover, colour in ((edge, colours[1]), (core, colours[0])):
        mixed += cover[..., None] * (colour.astype(np.float32) - mixed)
    return _bytes(mixed), np.maximum(core, edge) * 255 > _SEEN


def _pressure(count: int, rng: Rng) -> npt.NDArray[np.float64]:
    """0..1 for each point: uneven, and fading out at both ends."""
    at = np.linspace(0.0, 1.0, count)
    knots = rng.uniform(0.6, 1.0, max(3, count // 20))
    uneven = np.interp(at, np.linspace(0.0, 1.0, len(knots)), knots)
    ends = np.minimum(at, 1 - at) / 0.08
    pressure: npt.NDArray[np.float64] = uneven * np.clip(0.35 + ends, 0.0, 1.0)
    return pressure


def _groove(
    photo: Image,
    path: Points,
    cover: npt.NDArray[np.float64],
    width: int,
    soft: float,
) -> npt.NDArray[np.float32]:
    """How much of each pixel the line covers, 0..1."""
    canvas: Canvas = np.zeros(photo.shape[:2], np.uint8)
    points = np.round(path * (1 << _FIXED)).astype(int).tolist()
    for begin, end, one in zip(points, points[1:], cover, strict=False):
        level = round(255 * float(one))
        cv2.line(canvas, begin, end, level, width, cv2.LINE_AA, _FIXED)
    blurred = cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), soft)
    return np.asarray(blurred, np.float32)


def _dotted(photo: Image, path: Points, rng: Rng) -> tuple[Image, Mask]:
    """Pixels turned over along the groove, dot by dot."""
    canvas: Canvas = np.zeros(photo.shape[:2], np.uint8)
    points = np.round(path).astype(int)
    width, at = int(rng.integers(1, 3)), 0
    while at < len(points):
        dot = points[at : at + int(rng.integers(*_DOTS))]
        cv2.polylines(canvas, [dot.astype(np.int32)], False, 1, width)
        at += len(dot) + int(rng.integers(*_GAPS)) + width - 1
    painted: Mask = canvas > 0
    turned = photo.copy()
    turned[painted] = 255 - turned[painted]
    return turned, painted


def _box(painted: Mask, rng: Rng) -> Box:
    x, y, width, height = cv2.boundingRect(painted.astype(np.uint8))
    return USUAL.box(SCRATCH, (x, y, width, height), painted.shape, rng)


def _bytes(picture: npt.NDArray[np.float32]) -> Image:
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)
