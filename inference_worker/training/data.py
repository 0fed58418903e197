"""Labelled images in memory: drawn boards or a COCO folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.types import Detections
from traceability.demo.boards import CLASSES, draw_sample

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LabelledImages:
    """Images uint8 (n, size, size, 3) RGB, what is drawn on each, the classes."""

    images: Image
    truth: list[Detections]
    classes: tuple[str, ...]

    def split(self, share: float, seed: int) -> tuple[LabelledImages, LabelledImages]:
        """Two parts without overlap; the second holds `share`, at least one image."""
        order = np.random.default_rng(seed).permutation(len(self.truth))
        held = max(1, round(len(order) * share))
        return self.take(order[held:]), self.take(order[:held])

    def take(self, keep: npt.NDArray[np.int64]) -> LabelledImages:
        """The images of these indices, in this order."""
        truth = [self.truth[i] for i in keep]
        return LabelledImages(self.images[keep], truth, self.classes)


def drawn_boards(count: int, seed: int, size: int = 640) -> LabelledImages:
    """Boards of our own drawing, on every core; sample i depends on (seed, i)."""
    images = np.empty((count, size, size, 3), np.uint8)
    truth = []
    for i, (image, detections) in enumerate(_drawing(count, seed, size)):
        images[i] = image
        truth.append(detections)
    return LabelledImages(images, truth, CLASSES)


def _drawing(count: int, seed: int, size: int) -> Iterator[tuple[Image, Detections]]:
    jobs = [(seed, i, size) for i in range(count)]
    workers = os.cpu_count() or 1
    if workers == 1 or count < 64:
        yield from map(_draw, jobs)
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_draw, jobs, chunksize=16)


def _draw(job: tuple[int, int, int]) -> tuple[Image, Detections]:
    cv2.setNumThreads(1)
    seed, i, size = job
    sample = draw_sample(np.random.default_rng((seed, i)), size)
    boxes = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in sample.boxes]
    labels = [CLASSES.index(box.category) for box in sample.boxes]
    return sample.image, Detections.truth(boxes, labels)


def coco_folder(
    folder: Path, size: int = 640, classes: Sequence[str] | None = None
) -> LabelledImages:
    """`annotations.json` and `images/`, each image scaled to fit a grey square.

    `classes` fixes the order of the labels; without it, the file's own order.
    """
    try:
        raw = json.loads((folder / "annotations.json").read_text())
        names = {entry["id"]: entry["name"] for entry in raw["categories"]}
        order = tuple(classes or names.values())
        by_image = _by_image(raw["annotations"])
        pairs = [
            _labelled(folder, entry, by_image.get(entry["id"], []), names, order, size)
            for entry in raw["images"]
        ]
    except (OSError, KeyError, ValueError) as error:
        raise DatasetError(f"{folder}: {error!r}") from error
    if not pairs:
        raise DatasetError(f"{folder}: holds no image")
    return LabelledImages(
        np.stack([image for image, _ in pairs]), [truth for _, truth in pairs], order
    )


def _by_image(annotations: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    grouped: dict[int, list[dict[str, Any]]] = {}
    for annotation in annotations:
        grouped.setdefault(annotation["image_id"], []).append(annotation)
    return grouped


def _labelled(
    folder: Path,
    entry: dict[str, Any],
    annotations: list[dict[str, Any]],
    names: dict[int, str],
    order: tuple[str, ...],
    size: int,
) -> tuple[Image, Detections]:
    path = folder / "images" / entry["file_name"]
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{entry['file_name']} is not an image")
    image, scale = _squared(np.asarray(picture[..., ::-1], np.uint8), size)
    boxes = np.array([a["bbox"] for a in annotations], float).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    labels = [order.index(names[a["category_id"]]) for a in annotations]
    return image, Detections.truth(boxes * scale, labels)


def _squared(image: Image, size: int) -> tuple[Image, float]:
    """The image in the upper left of a grey square, and its scale."""
    scale = size / max(image.shape[:2])
    square = np.full((size, size, 3), 114, np.uint8)
    height, width = (round(side * scale) for side in image.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted = (
        image if scale == 1 else cv2.resize(image, (width, height), None, 0, 0, method)
    )
    square[:height, :width] = fitted
    return square, scale
