"""`fabric`: 1024 x 768 colour, woven, knitted and printed cloth with tiny defects.

Boxes of 8 to 40 pixels and threads of 8 by 300; a third of the photos are sound.
"""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.detector.unlike.cloth import cloth
from benchmarks.detector.unlike.scene import Box, Field, Scene, UnlikeSet
from benchmarks.detector.unlike.texture import (
    Rng,
    blob,
    extent,
    jitter,
    light,
    photo,
    polyline,
    smooth,
)

SHAPE = (768, 1024)
CLASSES = ("hole", "stain", "pulled_thread")
COUNTS = (1 / 3, 0.3, 0.22, 1 - 1 / 3 - 0.52)
"""How often a photo has no, one, two, three defects."""

ROOM = 24
"""Pixels around a defect that its maker may draw on."""


def draw(rng: Rng) -> Scene:
    image = cloth(rng, SHAPE)
    boxes: list[Box] = []
    labels: list[int] = []
    for _ in range(int(rng.choice(len(COUNTS), p=COUNTS))):
        label = int(rng.integers(len(CLASSES)))
        box = _spoil(rng, image, label)
        boxes.append(jitter(rng, box, 0.03, 0.7))
        labels.append(label)
    _lint(rng, image)
    lit = image * (1 + light(rng, SHAPE, 0.22))[..., None]
    return Scene(photo(rng, lit, rng.uniform(1.5, 5)), boxes, labels)


def _spoil(rng: Rng, image: Field, label: int) -> Box:
    """Draw one defect on a cut-out of the image; its box in the whole image."""
    width, height = _size(rng, label)
    left = int(rng.integers(ROOM, SHAPE[1] - width - ROOM))
    top = int(rng.integers(ROOM, SHAPE[0] - height - ROOM))
    x, y = left - ROOM, top - ROOM
    part = image[y : top + height + ROOM, x : left + width + ROOM]
    inner = (ROOM, ROOM, ROOM + width, ROOM + height)
    seen = (_hole, _stain, _pulled)[label](rng, part, inner)
    box = extent(seen, 0.4) or inner
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def _size(rng: Rng, label: int) -> tuple[int, int]:
    if CLASSES[label] != "pulled_thread":
        side = rng.uniform(9, 40)
        return round(side), round(side * rng.uniform(0.65, 1.5))
    length, width = int(rng.integers(60, 300)), int(rng.integers(6, 10))
    return (width, length) if rng.random() < 0.5 else (length, width)


def _hole(rng: Rng, part: Field, box: Box) -> Field:
    """What lies below shows through, with a pale frayed rim and loose ends."""
    shape = part.shape[:2]
    mask = blob(rng, shape, box, 0.22, 0.15)
    below = rng.uniform(5, 60) if rng.random() < 0.75 else rng.uniform(190, 245)
    rim = np.clip(cv2.GaussianBlur(mask, (0, 0), 1.8) * 2, 0, 1) - mask
    part += rim[..., None] * rng.uniform(-20, 45)
    part += mask[..., None] * (below + rng.normal(0, 4, 3).astype(np.float32) - part)
    _loose_ends(rng, part, box)
    return mask


def _loose_ends(rng: Rng, part: Field, box: Box) -> None:
    colour = part.reshape(-1, 3).mean(0) * rng.uniform(0.8, 1.2)
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    reach = np.array([box[2] - box[0], box[3] - box[1]]) / 2
    for angle in rng.uniform(0, 2 * np.pi, rng.integers(2, 7)):
        way = np.array([np.cos(angle), np.sin(angle)]) * reach
        points = np.stack([middle + way * rng.uniform(0.2, 0.7), middle + way])
        line = polyline(part.shape[:2], points, 1.0)[..., None] * 0.8
        part += line * (colour - part)


def _stain(rng: Rng, part: Field, box: Box) -> Field:
    """Oil, rust or ink: darkens and tints, often with a darker edge."""
    mask = blob(rng, part.shape[:2], box, 0.25, rng.uniform(0.25, 0.7))
    tint = np.float32(rng.uniform(0.25, 0.95, 3))
    depth = rng.uniform(0.3, 0.75)
    edge = 1 + rng.uniform(0, 0.8) * 4 * mask * (1 - mask)
    share = np.clip(depth * mask * edge, 0, 1)[..., None]
    part *= 1 - share * (1 - tint)
    return mask


def _pulled(rng: Rng, part: Field, box: Box) -> Field:
    """One thread stands out of the weave for a long stretch, its neighbours give."""
    left, top, right, bottom = box
    n = 14
    upright = bottom - top > right - left
    along = np.linspace(top, bottom, n) if upright else np.linspace(left, right, n)
    low, high = (left, right) if upright else (top, bottom)
    across = (low + high) / 2 + rng.normal(0, (high - low) / 9, n)
    points = np.stack([across, along] if upright else [along, across], 1)
    thread = polyline(part.shape[:2], points, rng.uniform(2, 3.6))
    shade = polyline(part.shape[:2], points + 2, rng.uniform(2, 4))
    part *= 1 - 0.4 * cv2.GaussianBlur(shade, (0, 0), 1.0)[..., None]
    mean = part.reshape(-1, 3).mean(0)
    colour = np.clip(mean * rng.uniform(1.1, 1.5) + rng.uniform(10, 40), 0, 255)
    worn = np.clip(0.85 + 0.25 * smooth(rng, part.shape[:2], 8), 0.3, 1)
    part += (thread * worn)[..., None] * (np.float32(colour) - part)
    return np.maximum(thread, shade * 0.5)


def _lint(rng: Rng, image: Field) -> None:
    """Fluff that is no defect: faint, curled, shorter than a pulled thread."""
    for _ in range(int(rng.integers(0, 5))):
        start = rng.uniform([20, 20], [SHAPE[1] - 60, SHAPE[0] - 60])
        points = start + np.cumsum(rng.normal(0, 5, (6, 2)), 0)
        x, y = (int(v) for v in points.min(0) - 4)
        w, h = (int(v) for v in points.max(0) + 4 - points.min(0) + 4)
        part = image[max(y, 0) : y + h, max(x, 0) : x + w]
        if part.size:
            line = polyline(part.shape[:2], points - [max(x, 0), max(y, 0)], 1.0)
            part += line[..., None] * rng.uniform(15, 40)


FABRIC = UnlikeSet("fabric", CLASSES, draw, 500, 150)
