"""Labelled images as canvases in memory: of a folder, or of our own drawing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference_worker.commands.progress import shown
from inference_worker.engine.decode import decode_file
from inference_worker.engine.preprocess import Geometry, letterbox, plan
from inference_worker.engine.types import Detections
from inference_worker.training.datasets import Labelled
from inference_worker.training.network import GRANULE
from inference_worker.training.recipe import Recipe
from traceability.demo.boards import CLASSES, Sample

Image = npt.NDArray[np.uint8]
_GREY = 114


@dataclass(frozen=True)
class Pictures:
    """Canvases uint8 (n, planes, H, W), templates alike or None, what was drawn.

    Planes are 1 (grey) or 3 (RGB). `truth` is in canvas pixels, its class ids
    count in `classes`; `known` are the classes that were looked for.
    """

    images: Image
    templates: Image | None
    truth: list[Detections]
    classes: tuple[str, ...]
    known: frozenset[str]

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, keep: Sequence[int] | npt.NDArray[np.int64]) -> Pictures:
        """The pictures of these indices, in this order."""
        at = np.asarray(keep, np.int64)
        return Pictures(
            self.images[at],
            None if self.templates is None else self.templates[at],
            [self.truth[i] for i in at],
            self.classes,
            self.known,
        )


def load(
    samples: Sequence[Labelled],
    recipe: Recipe,
    classes: tuple[str, ...],
    *,
    templates: bool,
) -> Pictures:
    """Every image of the listing on its canvas, decoded on all cores.

    With `templates`, samples without one get their own image: nothing to learn
    from, nothing to be misled by.
    """
    planes = 1 if recipe.grey else 3
    images = _empty(len(samples), planes, recipe.canvas)
    golden = _empty(len(samples), planes, recipe.canvas) if templates else None

    def fill(i: int) -> Detections:
        sample = samples[i]
        image = decode_file(sample.path)
        geometry = _geometry(image, recipe)
        _put(images[i], letterbox(image, geometry))
        if golden is not None:
            template = decode_file(sample.template) if sample.template else image
            _put(golden[i], letterbox(template, geometry))
        return Detections.truth(sample.boxes * geometry.scale, sample.class_ids)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        filled = pool.map(fill, range(len(samples)))
        truth = list(shown(filled, len(samples), "reading images"))
    drawn = {classes[label] for one in truth for label in one.class_ids}
    return Pictures(images, golden, truth, classes, frozenset(drawn))


def of_samples(
    samples: Iterable[Sample],
    count: int,
    recipe: Recipe,
    classes: tuple[str, ...],
    *,
    templates: bool,
) -> Pictures:
    """Drawn boards on canvases; a class that `classes` lacks is a KeyError."""
    planes = 1 if recipe.grey else 3
    images = _empty(count, planes, recipe.canvas)
    golden = _empty(count, planes, recipe.canvas) if templates else None
    number = {name: i for i, name in enumerate(classes)}
    truth = []
    for i, sample in enumerate(shown(samples, count, "drawing boards")):
        geometry = _geometry(sample.image, recipe)
        _put(images[i], letterbox(sample.image, geometry))
        if golden is not None:
            _put(golden[i], letterbox(sample.template_image, geometry))
        boxes = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in sample.boxes]
        labels = [number[box.category] for box in sample.boxes]
        corners = np.array(boxes, np.float32).reshape(-1, 4) * geometry.scale
        truth.append(Detections.truth(corners, labels))
    return Pictures(images, golden, truth, classes, frozenset(CLASSES))


def _geometry(image: Image, recipe: Recipe) -> Geometry:
    return plan(image.shape[0], image.shape[1], (recipe.size,), GRANULE)


def _empty(count: int, planes: int, canvas: tuple[int, int]) -> Image:
    return np.full((count, planes, *canvas), _GREY, np.uint8)


def _put(target: Image, pixels: Image) -> None:
    """RGB (h, w, 3) into the upper left of planes; one plane takes the first."""
    height, width = pixels.shape[:2]
    planes = pixels.transpose(2, 0, 1)[: len(target)]
    target[:, :height, :width] = planes
