"""`parts`: colour photos of mixed sizes, twenty kinds of parts on a messy bench."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.detector.unlike.scene import Box, Field, Scene, UnlikeSet
from benchmarks.detector.unlike.silhouettes import SHAPES, SIDE, silhouette
from benchmarks.detector.unlike.texture import (
    Rng,
    Shape,
    extent,
    jitter,
    light,
    photo,
    polyline,
    smooth,
)

CLASSES = tuple(SHAPES)
METALS = (
    (168, 172, 176),
    (92, 150, 186),
    (80, 110, 176),
    (52, 50, 50),
    (140, 138, 132),
)
"""BGR of steel, brass, copper, black oxide, zinc."""

COVERED = 0.25
"""Most of a part's box that others laid before it may share."""


def draw(rng: Rng) -> Scene:
    width = int(rng.integers(20, 51)) * 16
    shape = (width * 3 // 4, width)
    image = _bench(rng, shape)
    _clutter(rng, image)
    toward = rng.uniform(0, 2 * np.pi)
    boxes: list[Box] = []
    labels: list[int] = []
    for _ in range(int(rng.integers(3, 11))):
        label = int(rng.integers(len(CLASSES)))
        box = _lay(rng, image, CLASSES[label], boxes, toward)
        if box:
            boxes.append(box)
            labels.append(label)
    lit = image * (1 + light(rng, shape, 0.3))[..., None]
    loose = [jitter(rng, box, 0.015, 0.4) for box in boxes]
    return Scene(photo(rng, lit, rng.uniform(1.5, 6)), loose, labels)


def _lay(
    rng: Rng, image: Field, name: str, taken: list[Box], toward: float
) -> Box | None:
    """Put a part where there is room; None when the bench is full."""
    mask = _posed(rng, silhouette(name, rng), image.shape[0] * rng.uniform(0.11, 0.3))
    high, wide = mask.shape
    for _ in range(15):
        left = int(rng.integers(0, max(1, image.shape[1] - wide)))
        top = int(rng.integers(0, max(1, image.shape[0] - high)))
        box = (left, top, left + wide, top + high)
        if all(_overlap(box, other) < COVERED for other in taken):
            _paint(rng, image, mask, (left, top), toward)
            return box
    return None


def _posed(rng: Rng, mask: np.ndarray, size: float) -> Field:
    """Turned, a little foreshortened, `size` pixels; cropped to what is there."""
    scale = size / SIDE * 1.35
    turn = cv2.getRotationMatrix2D((0, 0), rng.uniform(0, 360), scale)[:, :2]
    turn = turn @ np.diag([1, rng.uniform(0.82, 1.0)])
    side = int(size * 2.2)
    shift = side / 2 - turn @ np.array([SIDE / 2, SIDE / 2])
    small = cv2.GaussianBlur(mask, (0, 0), max(0.1, 0.4 / scale))
    matrix = np.hstack([turn, shift[:, None]])
    posed = np.float32(cv2.warpAffine(small, matrix, (side, side))) / 255
    left, top, right, bottom = (int(v) for v in extent(posed) or (0, 0, side, side))
    return posed[top:bottom, left:right]


def _overlap(a: Box, b: Box) -> float:
    """What they share, as a share of the smaller."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return max(width, 0.0) * max(height, 0.0) / smaller


def _paint(
    rng: Rng, image: Field, mask: Field, at: tuple[int, int], toward: float
) -> None:
    """Shadow first, then metal that is bright where it faces the light."""
    edge = 6
    padded = np.pad(mask, edge)
    x, y = at[0] - edge, at[1] - edge
    cut = np.s_[max(0, -y) : image.shape[0] - y, max(0, -x) : image.shape[1] - x]
    part = image[max(0, y) : y + len(padded), max(0, x) : x + padded.shape[1]]
    way = np.float32([[1, 0, 3 * np.cos(toward)], [0, 1, 3 * np.sin(toward)]])
    fallen = cv2.warpAffine(padded, way, padded.shape[::-1])
    shadow = cv2.GaussianBlur(fallen, (0, 0), 1.8)[cut]
    part *= 1 - rng.uniform(0.25, 0.6) * shadow[..., None]
    part += padded[cut][..., None] * (_metal(rng, padded, toward)[cut] - part)


def _metal(rng: Rng, mask: Field, toward: float) -> Field:
    """Colour of each pixel: brushed, dirty, with a bevel lit from one side."""
    solid = cv2.distanceTransform(np.uint8(mask > 0.5), cv2.DIST_L2, 3)
    round_off = np.minimum(solid, max(2.0, 0.06 * max(mask.shape)))
    height = cv2.GaussianBlur(np.float32(round_off), (0, 0), 1.0)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) * np.cos(toward)
    slope += cv2.Sobel(height, cv2.CV_32F, 0, 1) * np.sin(toward)
    shade = 1 - rng.uniform(0.04, 0.13) * slope + 0.1 * smooth(rng, mask.shape, 12, 2)
    colour = np.array(METALS[rng.integers(len(METALS))]) * rng.uniform(0.65, 1.25)
    return np.float32(np.clip(shade, 0.2, 1.9)[..., None] * colour)


def _bench(rng: Rng, shape: Shape) -> Field:
    """Wood, cloth, foam, a scratched tray or gravel."""
    base = rng.uniform(40, 210, 3) * 0.3 + rng.uniform(40, 210) * 0.7
    cell = rng.choice([1.2, 3.0, 9.0, 25.0])
    stretch = rng.choice([1.0, 1.0, 8.0, 30.0])
    grain = smooth(rng, shape, (float(cell), float(cell * stretch)), 3)
    tone = 1 + rng.uniform(0.04, 0.2) * grain + 0.1 * smooth(rng, shape, 120, 2)
    hue = smooth(rng, shape, 60, 2)[..., None] * rng.normal(0, 3, 3)
    return np.float32(np.clip(base * tone[..., None] + hue, 0, 255))


def _clutter(rng: Rng, image: Field) -> None:
    """Wires, scraps of paper, shavings and spots: none of them a part."""
    shape = image.shape[:2]
    for _ in range(int(rng.integers(2, 9))):
        colour = np.float32(rng.uniform(20, 240, 3))
        mask = _scrap(rng, shape) if rng.random() < 0.4 else _wire(rng, shape)
        image += (mask * rng.uniform(0.5, 0.95))[..., None] * (colour - image)
    for _ in range(int(rng.integers(0, 5))):
        at = tuple(int(v) for v in rng.uniform(0, [shape[1], shape[0]]))
        grey = [float(v) for v in rng.uniform(20, 200, 3)]
        cv2.circle(image, at, int(rng.integers(2, 14)), grey, -1, cv2.LINE_AA)


def _wire(rng: Rng, shape: Shape) -> Field:
    start = rng.uniform(0, [shape[1], shape[0]])
    steps = np.cumsum(rng.normal(0, 9, (24, 2)), 0)
    points = start + np.cumsum(steps, 0) * 0.25 * rng.uniform(0.3, 1.5)
    return polyline(shape, points, rng.uniform(1, 6))


def _scrap(rng: Rng, shape: Shape) -> Field:
    mask = np.zeros(shape, np.float32)
    middle = rng.uniform(0, [shape[1], shape[0]])
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 7)))
    reach = rng.uniform(0.05, 0.22, len(angles)) * shape[1]
    corners = middle + reach[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    cv2.fillPoly(mask, [np.int32(corners)], 1.0, cv2.LINE_AA)
    return mask


PARTS = UnlikeSet("parts", CLASSES, draw, 900, 250)
