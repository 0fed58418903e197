"""The seam that every backend stands behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.errors import InferenceFailed, TemplateMissing
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.postprocess import find
from inference_worker.engine.preprocess import Geometry, letterbox, plan
from inference_worker.engine.registration import fit
from inference_worker.engine.types import Detections, FloatArray, Guesses, Image

R = TypeVar("R")

MAX_BATCH = 8
"""Images in one call of the network; more wait for the next call."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Images of one canvas; `places` are their positions in the caller's list."""

    geometries: tuple[Geometry, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Batch(Placed):
    """The same with their canvases: `pixels` uint8 (n, height, width, channels)."""

    pixels: NDArray[np.uint8]


class Backend(ABC):
    """One model on one runtime.

    `infer` is the same everywhere; a backend says how to run the network in
    `forward`. Backends are not thread-safe: one thread owns each.
    """

    name: ClassVar[str]
    precision: str

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    @abstractmethod
    def forward(self, pixels: NDArray[np.uint8]) -> FloatArray:
        """Run the network: uint8 canvases (n, h, w, channels) in 0..255 to float32
        (n, anchors, 4 + classes), boxes in canvas pixels, scores in 0..1.

        Scaling to 0..1 and turning to planes is the backend's, where its runtime
        does it best. Raises InferenceFailed.
        """

    def infer(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None = None,
        *,
        threshold: float | None = None,
    ) -> list[Detections]:
        """Defects of each image, in its own pixels and in the order given.

        Images are uint8 (height, width, 3) RGB of any sizes; those of like shape
        share a call. `threshold` replaces the manifest's (to measure precision).
        Templates are scaled to their images and moved onto them (`registration.py`).
        Raises TemplateError when the model wants templates that are missing or of
        another shape.
        """
        limit = self.manifest.threshold if threshold is None else threshold
        return self._run(images, templates, partial(self.post_process, threshold=limit))

    def guess(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None,
        threshold: float,
    ) -> list[Guesses]:
        """The same for measuring: all guesses beside what a line would see."""
        return self._run(images, templates, partial(self._guesses, threshold=threshold))

    def _run(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None,
        finish: Callable[[FloatArray, Placed], list[R]],
    ) -> list[R]:
        """What `finish` makes of each image's output, in the order of the images."""
        results: dict[int, R] = {}
        for batch in self.pre_process(images, templates):
            done = finish(self.forward(batch.pixels), batch)
            results.update(zip(batch.places, done, strict=True))
        return [results[place] for place in range(len(images))]

    def _guesses(
        self, preds: FloatArray, batch: Placed, threshold: float
    ) -> list[Guesses]:
        seen = self.post_process(preds, batch, threshold)
        every = self.post_process(preds, batch, threshold, every_class=True)
        return [Guesses(*both) for both in zip(every, seen, strict=True)]

    def pre_process(
        self, images: Sequence[Image], templates: Sequence[Image] | None
    ) -> Iterator[Batch]:
        """Canvases grouped by shape, together as many as the network takes."""
        most = self.manifest.input.batch or MAX_BATCH
        sources = self._stack(images, templates)
        geometries = [self.geometry(image) for image in images]
        for places in together(geometries, most):
            yield _batch(sources, geometries, places)

    def geometry(self, image: Image) -> Geometry:
        """Where this image lies on its canvas; those of like canvas share a call."""
        spec, (height, width) = self.manifest.input, image.shape[:2]
        return plan(
            height, width, spec.sizes, self.manifest.stride, spec.fit, spec.canvas
        )

    def post_process(
        self,
        preds: FloatArray,
        batch: Placed,
        threshold: float,
        every_class: bool = False,
    ) -> list[Detections]:
        """One result for each canvas; InferenceFailed when `preds` makes no sense."""
        wanted = (len(batch.places), 4 + len(self.manifest.classes))
        if preds.ndim != 3 or preds.shape[::2] != wanted:
            raise InferenceFailed(
                f"{self.manifest.model} {self.manifest.version} gave"
                f" {preds.shape}, expected ({wanted[0]}, anchors, {wanted[1]})"
            )
        if not np.isfinite(preds).all():  # NaN would pass for "no defect found"
            raise InferenceFailed("the network's output holds NaN or infinity")
        return [
            find(one, geometry, threshold, self.manifest.nms_iou, every_class)
            for one, geometry in zip(preds, batch.geometries, strict=True)
        ]

    def warm_up(self) -> None:
        """Run one black image at each size.

        The first call at a shape compiles its kernels, which may take a second; no
        photo should wait for that. It also finds a model that cannot run at all
        while it is being loaded, not when a line depends on it.
        """
        for size in self.manifest.input.sizes:
            blank = np.zeros((size, size, 3), np.uint8)
            wants_template = self.manifest.input.channels == 6
            self.infer([blank], [blank] if wants_template else None)

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what it holds outside of Python; it is not used again."""

    def _stack(
        self, images: Sequence[Image], templates: Sequence[Image] | None
    ) -> list[tuple[Image, ...]]:
        """Each image with what the network wants beside it."""
        if self.manifest.input.channels == 3:
            return [(image,) for image in images]
        if templates is None or len(templates) != len(images):
            raise TemplateMissing(f"{self.manifest.model} needs a template an image")
        pairs = zip(images, templates, strict=True)
        return [(image, fit(image, template)) for image, template in pairs]


def together(geometries: Sequence[Geometry], most: int) -> Iterator[tuple[int, ...]]:
    """Places of images that share a canvas, `most` at a time."""
    by_shape = sorted(range(len(geometries)), key=lambda i: geometries[i].canvas)
    for _, same in groupby(by_shape, key=lambda i: geometries[i].canvas):
        places = tuple(same)
        for start in range(0, len(places), most):
            yield places[start : start + most]


def _batch(
    sources: Sequence[tuple[Image, ...]],
    geometries: Sequence[Geometry],
    places: tuple[int, ...],
) -> Batch:
    canvases = [
        np.concatenate([letterbox(layer, geometries[i]) for layer in sources[i]], 2)
        for i in places
    ]
    return Batch(tuple(geometries[i] for i in places), places, np.stack(canvases))
