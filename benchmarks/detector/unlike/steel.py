"""`steel`: 200 x 200 grey, six texture-like defects of hot-rolled strip, loose boxes.

Hard on purpose, as such photos are: defects stand out by a few grey levels from a
surface that changes from photo to photo, weak ones are left unlabelled, and whoever
drew the boxes split, merged, forgot and guessed.
"""

from __future__ import annotations

import numpy as np

from benchmarks.detector.unlike.scene import Box, Field, Scene, UnlikeSet
from benchmarks.detector.unlike.steel_defects import MAKERS, SPANS
from benchmarks.detector.unlike.texture import (
    Rng,
    extent,
    jitter,
    light,
    photo,
    smooth,
)

SHAPE = (200, 200)
CLASSES = tuple(MAKERS)
COUNTS = (0.10, 0.22, 0.25, 0.22, 0.13, 0.08)
"""How often a photo has one, two, ... six defects."""

MIXED = 0.12
"""Photos with defects of several classes."""

LARGE = ("crazing", "pitted_surface", "rolled_in_scale")
SPLIT, MERGED, FORGOTTEN, TWICE = 0.05, 0.15, 0.02, 0.03
LOOSE = 0.05
"""How far a box's side lies from where it should, as a share of the box."""


def draw(rng: Rng) -> Scene:
    surface = _surface(rng)
    contrast = rng.uniform(13, 30) * (0.75 + 0.02 * float(surface.std()))
    main = int(rng.integers(len(CLASSES)))
    boxes: list[Box] = []
    labels: list[int] = []
    for _ in range(_count(rng, main)):
        label = int(rng.integers(len(CLASSES))) if rng.random() < MIXED else main
        box = _place(rng, CLASSES[label], boxes)
        drawn = _add(rng, surface, CLASSES[label], box, contrast)
        if drawn:
            boxes.append(drawn)
            labels.append(label)
    _distract(rng, surface, contrast)
    image = photo(rng, surface, rng.uniform(2, 7))
    return Scene(image, *_as_labelled(rng, boxes, labels))


def _surface(rng: Rng) -> Field:
    """Rolled steel: brightness, light, rolling lines, blotches and grain all vary."""
    level = rng.uniform(55, 195)
    field = level + light(rng, SHAPE, rng.uniform(5, 40))
    along = (rng.uniform(40, 120), rng.uniform(1.2, 3))
    field = field + rng.uniform(0.5, 7) * smooth(rng, SHAPE, along)
    field = field + rng.uniform(1, 12) * smooth(rng, SHAPE, rng.uniform(25, 90), 2)
    field = field + rng.uniform(1, 8) * smooth(rng, SHAPE, rng.uniform(1.5, 5), 2)
    return np.float32(field)


def _count(rng: Rng, label: int) -> int:
    """As drawn from COUNTS; what covers half the photo comes less often in one."""
    count = int(rng.choice(len(COUNTS), p=COUNTS)) + 1
    return min(count, 3) if CLASSES[label] in LARGE else count


def _place(rng: Rng, name: str, taken: list[Box]) -> Box:
    """A box of the class's usual size that overlaps the others little."""
    best, least = _anywhere(rng, name), np.inf
    for _ in range(40):
        box = _anywhere(rng, name)
        shared = sum(_shared(box, other) for other in taken)
        if shared < least:
            best, least = box, shared
    return best


def _anywhere(rng: Rng, name: str) -> Box:
    (w0, w1), (h0, h1) = SPANS[name]
    width, height = rng.uniform(w0, w1), rng.uniform(h0, h1)
    if name == "scratches" and rng.random() < 0.4:
        width, height = height, width
    left = rng.uniform(-0.1 * width, SHAPE[1] - 0.9 * width)
    top = rng.uniform(-0.1 * height, SHAPE[0] - 0.9 * height)
    return left, top, left + width, top + height


def _shared(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


def _add(rng: Rng, surface: Field, name: str, box: Box, contrast: float) -> Box | None:
    added = MAKERS[name](rng, SHAPE, box, contrast * rng.uniform(0.75, 1.3))
    surface += added
    return _seen(added)


def _seen(added: Field) -> Box | None:
    """Around the bulk of what was added: stray specks are nobody's box."""
    weight = np.abs(added)
    return extent(weight, 0.3 * float(weight.max())) if weight.max() > 2 else None


def _distract(rng: Rng, surface: Field, contrast: float) -> None:
    """Something like a defect, too weak for anybody to label."""
    for _ in range(int(rng.choice(3, p=(0.5, 0.35, 0.15)))):
        name = CLASSES[int(rng.integers(len(CLASSES)))]
        box = _anywhere(rng, name)
        _add(rng, surface, name, box, contrast * rng.uniform(0.15, 0.35))


def _as_labelled(
    rng: Rng, boxes: list[Box], labels: list[int]
) -> tuple[list[Box], list[int]]:
    """What an annotator in a hurry makes of it."""
    pairs = _merge(rng, list(zip(boxes, labels, strict=True)))
    written: list[tuple[Box, int]] = []
    for box, label in pairs:
        if rng.random() < FORGOTTEN and len(pairs) > 1:
            continue
        written += [(part, label) for part in _split(rng, box)]
    loose = [jitter(rng, box, LOOSE, 0.8) for box, _ in written]
    return loose, [label for _, label in written]


def _merge(rng: Rng, pairs: list[tuple[Box, int]]) -> list[tuple[Box, int]]:
    """Neighbours of one class that touch sometimes get one box."""
    merged: list[tuple[Box, int]] = []
    for box, label in pairs:
        other = next((p for p in merged if p[1] == label and _shared(p[0], box)), None)
        if other and rng.random() < MERGED:
            merged.remove(other)
            box = _around(box, other[0])
        merged.append((box, label))
    return merged


def _around(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _split(rng: Rng, box: Box) -> list[Box]:
    """Mostly the box; now and then two that share a part, or a second, smaller one."""
    chance = rng.random()
    left, top, right, bottom = box
    if chance < SPLIT and bottom - top > 40:
        cut = rng.uniform(0.35, 0.65) * (bottom - top)
        return [(left, top, right, top + cut + 6), (left, top + cut - 6, right, bottom)]
    if chance < SPLIT + TWICE and right - left > 40:
        width = (right - left) * rng.uniform(0.4, 0.6)
        return [box, (left, top, left + width, bottom)]
    return [box]


STEEL = UnlikeSet("steel", CLASSES, draw, 1440, 360)
