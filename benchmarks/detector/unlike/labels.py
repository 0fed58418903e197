"""`labels`: 480 x 640 colour, two classes whose boxes cover 40 to 95 % of the photo."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.detector.unlike.printing import damaged, printed
from benchmarks.detector.unlike.scene import Box, Field, Scene, UnlikeSet
from benchmarks.detector.unlike.texture import (
    Rng,
    blob,
    extent,
    jitter,
    light,
    photo,
    smooth,
)

SHAPE = (640, 480)
CLASSES = ("misprinted_label", "torn_packaging")
MISPRINTED, TORN = 0.55, 0.45


def draw(rng: Rng) -> Scene:
    """A pack fills most of the photo, its label most of the pack."""
    image = _belt(rng)
    pack = _pack_box(rng)
    torn = rng.random() < TORN
    boxes: list[Box] = []
    labels: list[int] = []
    mask = _pack(rng, image, pack)
    if rng.random() < MISPRINTED:
        boxes.append(_stick(rng, image, pack, spoilt=True))
        labels.append(0)
    else:
        _stick(rng, image, pack, spoilt=False)
    if torn:
        _tear(rng, image, mask, pack)
        boxes.append(extent(mask) or pack)
        labels.append(1)
    lit = image * (1 + light(rng, SHAPE, 0.25))[..., None]
    loose = [jitter(rng, box, 0.012) for box in boxes]
    return Scene(photo(rng, lit, rng.uniform(1.5, 6)), loose, labels)


def _belt(rng: Rng) -> Field:
    base = rng.uniform(20, 200) + rng.normal(0, 12, 3)
    cell = (float(rng.choice([2, 6, 40])), float(rng.choice([2, 6, 40])))
    tone = rng.uniform(3, 22) * smooth(rng, SHAPE, cell, 2)
    return np.float32(np.clip(base + tone[..., None], 0, 255))


def _pack_box(rng: Rng) -> Box:
    """Of 78 to 99 % of the photo's width and height."""
    width, height = rng.uniform(0.8, 0.99, 2) * (SHAPE[1], SHAPE[0])
    left = rng.uniform(0, SHAPE[1] - width)
    top = rng.uniform(0, SHAPE[0] - height)
    return left, top, left + width, top + height


def _pack(rng: Rng, image: Field, box: Box) -> Field:
    """A carton, a pouch or a film wrap; the mask of it."""
    mask = np.zeros(SHAPE, np.float32)
    left, top, right, bottom = (round(v) for v in box)
    cv2.rectangle(mask, (left, top), (right - 1, bottom - 1), 1.0, -1)
    if rng.random() < 0.5:
        mask = np.float32(cv2.GaussianBlur(mask, (0, 0), 14) > rng.uniform(0.5, 0.6))
    colour = np.float32(rng.uniform(40, 235, 3))
    folds = smooth(rng, SHAPE, (rng.uniform(40, 200), rng.uniform(12, 90)), 2)
    shine = 1 + rng.uniform(0.03, 0.2) * folds
    shadow = cv2.GaussianBlur(mask, (0, 0), 12)
    image *= (1 - 0.35 * shadow)[..., None]
    image += mask[..., None] * (colour * shine[..., None] - image)
    return mask


def _stick(rng: Rng, image: Field, pack: Box, spoilt: bool) -> Box:
    """Print a label and glue it on, a little askew; the box around it."""
    width, height = pack[2] - pack[0], pack[3] - pack[1]
    w, h = (round(rng.uniform(0.8, 0.97) * side) for side in (width, height))
    label = printed(rng, (h, w))
    label = damaged(rng, label) if spoilt else label
    x = pack[0] + rng.uniform(0.2, 0.8) * (width - w)
    y = pack[1] + rng.uniform(0.2, 0.8) * (height - h)
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), rng.normal(0, 1.2), 1.0)
    turn[:, 2] += (x, y)
    mask = cv2.warpAffine(np.ones((h, w), np.float32), turn, SHAPE[::-1])
    laid = cv2.warpAffine(label, turn, SHAPE[::-1], flags=cv2.INTER_AREA)
    image *= 1 - mask[..., None]
    image += laid * mask[..., None]
    return extent(mask) or pack


def _tear(rng: Rng, image: Field, mask: Field, pack: Box) -> None:
    """One to three rents: what lies inside shows, white fibres along the edge."""
    width, height = pack[2] - pack[0], pack[3] - pack[1]
    for _ in range(int(rng.integers(1, 4))):
        w, h = width * rng.uniform(0.08, 0.4), height * rng.uniform(0.05, 0.3)
        cx, cy = _on_rim(rng, pack) if rng.random() < 0.7 else _inside(rng, pack)
        around = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
        rent = blob(rng, SHAPE, around, 0.35, 0.04) * mask
        fibre = np.clip(cv2.GaussianBlur(rent, (0, 0), 4) * 3, 0, 1) * mask - rent
        worn = np.clip(fibre * (0.8 + 0.5 * smooth(rng, SHAPE, 3)), 0, 1)
        image += worn[..., None] * (rng.uniform(175, 245) - image)
        inner = rng.uniform(10, 90) + 12 * smooth(rng, SHAPE, 14, 2)
        image += rent[..., None] * (inner[..., None] - image)


def _on_rim(rng: Rng, pack: Box) -> tuple[float, float]:
    x, y = rng.uniform(pack[:2], pack[2:])
    side = rng.integers(4)
    return (pack[side], float(y)) if side in (0, 2) else (float(x), pack[side])


def _inside(rng: Rng, pack: Box) -> tuple[float, float]:
    x, y = rng.uniform(0.25, 0.75, 2)
    return pack[0] + x * (pack[2] - pack[0]), pack[1] + y * (pack[3] - pack[1])


LABELS = UnlikeSet("labels", CLASSES, draw, 300, 100)
