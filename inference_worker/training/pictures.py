"""Labelled images as canvases in memory: of a folder, or of our own drawing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference_worker.engine.decode import decode_file
from inference_worker.engine.errors import DatasetError, TemplateError
from inference_worker.engine.preprocess import Geometry, letterbox, plan
from inference_worker.engine.registration import fit
from inference_worker.engine.types import Detections
from inference_worker.progress import shown
from inference_worker.training.datasets import Labelled
from inference_worker.training.network import GRANULE
from traceability.demo.boards import CLASSES, Sample

Image = npt.NDArray[np.uint8]
_GREY = 114
_THREADS = 16
_MEMORY = 0.9  # share of what is free that pictures may take


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

    def without_pixels(self) -> Pictures:
        """What was drawn alone: the pixels are on the device by now."""
        return self.drawn_on(range(len(self)))

    def drawn_on(self, keep: Sequence[int]) -> Pictures:
        """Likewise, of these indices alone."""
        none, truth = self.images[:0], [self.truth[i] for i in keep]
        return Pictures(none, None, truth, self.classes, self.known)

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


@dataclass(frozen=True)
class Frame:
    """How photos become canvases: the long side takes `size` pixels, the canvas is
    `shape` (height, width), `grey` keeps one plane.
    """

    size: int
    shape: tuple[int, int]
    grey: bool

    @property
    def planes(self) -> int:
        return 1 if self.grey else 3

    def geometry(self, image: Image) -> Geometry:
        return plan(image.shape[0], image.shape[1], (self.size,), GRANULE)


def load(
    samples: Sequence[Labelled],
    frame: Frame,
    classes: tuple[str, ...],
    known: frozenset[str],
    *,
    templates: bool,
) -> Pictures:
    """Every image of the listing on its canvas, decoded on all cores.

    With `templates` each golden image is brought onto its photo as inference does it;
    a sample without a fitting one gets its own image: nothing to learn from, nothing
    to be misled by. Raises DatasetError when memory has no room for all of them.
    """
    images = _empty(len(samples), frame, 2 if templates else 1)
    golden = _empty(len(samples), frame, 1) if templates else None

    def fill(i: int) -> Detections:
        sample = samples[i]
        image = decode_file(sample.path)
        geometry = frame.geometry(image)
        _put(images[i], letterbox(image, geometry))
        if golden is not None:
            _put(golden[i], letterbox(_template(sample, image), geometry))
        return Detections.truth(sample.boxes * geometry.scale, sample.class_ids)

    with ThreadPoolExecutor(min(_THREADS, len(os.sched_getaffinity(0)))) as pool:
        filled = pool.map(fill, range(len(samples)))
        truth = list(shown(filled, len(samples), "reading images"))
    return Pictures(images, golden, truth, classes, known)


def of_samples(
    samples: Iterable[Sample],
    count: int,
    frame: Frame,
    classes: tuple[str, ...],
    *,
    templates: bool,
) -> Pictures:
    """Drawn boards on canvases; a class that `classes` lacks is a KeyError."""
    images = _empty(count, frame, 2 if templates else 1)
    golden = _empty(count, frame, 1) if templates else None
    number = {name: i for i, name in enumerate(classes)}
    truth = []
    for i, sample in enumerate(shown(samples, count, "drawing boards")):
        geometry = frame.geometry(sample.image)
        _put(images[i], letterbox(sample.image, geometry))
        if golden is not None:
            template = _onto(sample.image, sample.template_image)
            _put(golden[i], letterbox(template, geometry))
        boxes = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in sample.boxes]
        labels = [number[box.category] for box in sample.boxes]
        corners = np.array(boxes, np.float32).reshape(-1, 4) * geometry.scale
        truth.append(Detections.truth(corners, labels))
    return Pictures(images, golden, truth, classes, frozenset(CLASSES))


def _template(sample: Labelled, image: Image) -> Image:
    if sample.template is None:
        return image
    return _onto(image, decode_file(sample.template))


def _onto(image: Image, template: Image) -> Image:
    try:
        return fit(image, template)
    except TemplateError:
        return image


def _empty(count: int, frame: Frame, layers: int) -> Image:
    """Grey canvases; `layers` of them are still to come, this one among them."""
    shape = (count, frame.planes, *frame.shape)
    needed = layers * int(np.prod(shape))
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > _MEMORY * free:
        raise DatasetError(
            f"{count} images of {frame.shape[1]} x {frame.shape[0]} pixels need"
            f" {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free",
            "Train at a smaller --size, on fewer images, or on a larger machine.",
        )
    return np.full(shape, _GREY, np.uint8)


def _put(target: Image, pixels: Image) -> None:
    """RGB (h, w, 3) into the upper left of planes; one plane takes the first."""
    height, width = pixels.shape[:2]
    planes = pixels.transpose(2, 0, 1)[: len(target)]
    target[:, :height, :width] = planes
