"""Pictures of large plain shapes: what a network learns in minutes on two cores."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

NAMES = ("disc", "bar", "frame")
SHAPES = ((320, 320), (480, 640), (200, 640), (900, 380), (1080, 1920), (150, 150))
"""(height, width) of what is compared: square, wide, tall, small, beyond the canvas."""

Picture = NDArray[np.uint8]
Box = tuple[int, float, float, float, float]
_COLOURS = ((200, 60, 40), (40, 180, 70), (50, 80, 210))
_CELLS = 4


def draw(height: int, width: int, seed: int) -> tuple[Picture, list[Box]]:
    """RGB uint8 (height, width, 3) and its boxes: class, left, top, right, bottom."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(90, 150, (height, width, 3)).astype(np.uint8)
    picture = np.asarray(cv2.blur(picture, (5, 5)), np.uint8)
    side = min(height, width) / _CELLS
    boxes: list[Box] = []
    for row in range(int(height // side)):
        for column in range(int(width // side)):
            if rng.random() < 0.55:
                corner = np.array([column, row]) * side
                boxes.append(_shape(picture, corner, side, rng))
    return picture, boxes


def write_yolo(folder: Path, count: int, side: int) -> Path:
    """Square pictures with labels as Ultralytics reads them; the data.yaml."""
    for part in ("images", "labels"):
        (folder / part / "train").mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        picture, boxes = draw(side, side, seed)
        file = folder / "images" / "train" / f"{seed:03}.png"
        cv2.imwrite(str(file), picture[..., ::-1])
        lines = [_yolo_line(box, side) for box in boxes]
        label = folder / "labels" / "train" / f"{seed:03}.txt"
        label.write_text("\n".join(lines))
    names = "".join(f"  {i}: {name}\n" for i, name in enumerate(NAMES))
    sheet = folder / "data.yaml"
    images = "train: images/train\nval: images/train\n"
    sheet.write_text(f"path: {folder.resolve()}\n{images}names:\n{names}")
    return sheet


def gallery(seed: int = 10_000, each: int = 16) -> list[Picture]:
    """The pictures that boxes are compared on: `each` of all SHAPES."""
    return [
        draw(*SHAPES[i % len(SHAPES)], seed + i)[0] for i in range(each * len(SHAPES))
    ]


def _shape(
    picture: Picture, corner: NDArray[np.float64], side: float, rng: np.random.Generator
) -> Box:
    kind = int(rng.integers(len(NAMES)))
    size = side * rng.uniform(0.45, 0.85, 2)
    if kind == 0:
        size[:] = size.min()
    start = corner + rng.uniform(0.05, 0.95, 2) * (side - size)
    left, top = (int(x) for x in start)
    right, bottom = (int(x) for x in start + size)
    colour = [int(x) for x in np.array(_COLOURS[kind]) + rng.integers(-30, 30, 3)]
    if kind == 0:
        centre = ((left + right) // 2, (top + bottom) // 2)
        cv2.circle(picture, centre, (right - left) // 2, colour, -1)
    else:
        thick = -1 if kind == 1 else max(2, int(size.min() / 6))
        cv2.rectangle(picture, (left, top), (right, bottom), colour, thick)
    return (kind, float(left), float(top), float(right), float(bottom))


def _yolo_line(box: Box, side: int) -> str:
    kind, left, top, right, bottom = box
    numbers = (left + right, top + bottom, 2 * (right - left), 2 * (bottom - top))
    return " ".join([str(kind), *(f"{x / 2 / side:.6f}" for x in numbers)])
