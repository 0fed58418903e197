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
from inference_worker.engine.optics import Optics, as_taken, correct
from inference_worker.engine.postprocess import find
from inference_worker.engine.preprocess import Geometry, letterbox, plan
from inference_worker.engine.registration import fit, resize
from inference_worker.engine.types import Detections, FloatArray, Guesses, Image

R = TypeVar("R")

MAX_BATCH = 8
"""Images in one call of a network on the CPU; more wait for the next call."""

NOT_FINITE = "the network's output holds NaN or infinity"


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """What a network sees of one photo: it, and beside it a template where it compares.

    `optics` took the photo, and `geometry` is of what they leave of it. The layers are
    that already if `corrected`, else as they were taken.
    """

    layers: tuple[Image, ...]
    geometry: Geometry
    optics: Optics | None = None
    corrected: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class Placed:
    """Images of one canvas; `places` are their positions in the caller's list."""

    sources: tuple[Source, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
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

    most: int
    """Images in one call of the network, at every size."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.most = manifest.input.batch or MAX_BATCH

    def frame(self, canvas: tuple[int, int]) -> tuple[int, int]:
        """The smallest canvas that the network takes and that holds this one: images
        of one frame share a call. Raises InferenceFailed where there is none.
        """
        return canvas

    def room(self, nbytes: int) -> NDArray[np.uint8] | None:
        """Where a photo is best decoded to; None: anywhere. Any thread may ask."""
        return None

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
        optics: Sequence[Optics | None] | None = None,
        *,
        threshold: float | None = None,
    ) -> list[Detections]:
        """Defects of each image, in its own pixels and in the order given.

        Images are uint8 (height, width, 3) RGB of any sizes; those of like shape
        share a call. `threshold` replaces the manifest's (to measure precision).
        Templates are scaled to their images and moved onto them (`registration.py`).
        `optics` are of the camera of each image, None for one that is looked at as it
        is: both image and template are corrected by them, and boxes are in pixels of
        the image as it was taken all the same. Raises TemplateError when the model
        wants templates that are missing or of another shape, CameraMismatch.
        """
        limit = self.manifest.threshold if threshold is None else float(threshold)
        return self._look(self.sources(images, templates, optics), limit)

    def guess(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None,
        threshold: float,
    ) -> list[Guesses]:
        """The same for measuring: all guesses beside what a line would see."""
        sources = self.sources(images, templates)
        return self._run(sources, partial(self._guesses, threshold=threshold))

    def _look(self, sources: Sequence[Source], threshold: float) -> list[Detections]:
        return self._run(sources, partial(self.post_process, threshold=threshold))

    def _run(
        self,
        sources: Sequence[Source],
        finish: Callable[[FloatArray, Placed], list[R]],
    ) -> list[R]:
        """What `finish` makes of each image's output, in the order of the images."""
        results: dict[int, R] = {}
        for batch in self.pre_process(sources):
            done = finish(self.forward(batch.pixels), batch)
            results.update(zip(batch.places, done, strict=True))
        return [results[place] for place in range(len(sources))]

    def _guesses(
        self, preds: FloatArray, batch: Placed, threshold: float
    ) -> list[Guesses]:
        seen = self.post_process(preds, batch, threshold)
        every = self.post_process(preds, batch, threshold, every_class=True)
        return [Guesses(*both) for both in zip(every, seen, strict=True)]

    def pre_process(self, sources: Sequence[Source]) -> Iterator[Batch]:
        """Canvases grouped by shape, together as many as the network takes."""
        for places in together(sources, self.most):
            yield _batch(sources, places)

    def geometry(self, height: int, width: int) -> Geometry:
        """Where such an image lies on its canvas; those of like canvas share a call."""
        spec, stride = self.manifest.input, self.manifest.stride
        return plan(height, width, spec.sizes, stride, spec.fit, spec.canvas)

    def post_process(
        self,
        preds: FloatArray,
        batch: Placed,
        threshold: float,
        every_class: bool = False,
    ) -> list[Detections]:
        """One result for each canvas; InferenceFailed when `preds` makes no sense."""
        self._check(preds.shape, len(batch.places))
        if not np.isfinite(preds).all():  # NaN would pass for "no defect found"
            raise InferenceFailed(NOT_FINITE)
        return [
            self._found(one, source, threshold, every_class)
            for one, source in zip(preds, batch.sources, strict=True)
        ]

    def _check(self, shape: tuple[int, ...], images: int) -> None:
        """InferenceFailed unless an output for so many images has that shape."""
        values = 4 + len(self.manifest.classes)
        if len(shape) != 3 or shape[::2] != (images, values):
            raise InferenceFailed(
                f"{self.manifest.model} {self.manifest.version} gave"
                f" {shape}, expected ({images}, anchors, {values})"
            )

    def _found(
        self, preds: FloatArray, source: Source, threshold: float, every_class: bool
    ) -> Detections:
        nms_iou = self.manifest.nms_iou
        found = find(preds, source.geometry, threshold, nms_iou, every_class)
        return as_taken(found, source.optics) if source.optics else found

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
        """Give back what it holds outside of Python."""

    def sources(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None = None,
        optics: Sequence[Optics | None] | None = None,
    ) -> list[Source]:
        """See `infer`."""
        beside: Sequence[Image | None] = templates or [None] * len(images)
        if self.manifest.input.channels == 3:
            beside = [None] * len(images)
        elif templates is None or len(templates) != len(images):
            raise TemplateMissing(f"{self.manifest.model} needs a template an image")
        cameras = optics or [None] * len(images)
        return [self.source(*one) for one in zip(images, beside, cameras, strict=True)]

    def source(
        self, image: Image, template: Image | None, optics: Optics | None
    ) -> Source:
        """Of one photo, corrected. A template shows what the same camera saw."""
        beside = () if template is None else (resize(image, template),)
        layers: tuple[Image, ...] = (image, *beside)
        if optics is not None:
            layers = tuple(correct(layer, optics) for layer in layers)
        if template is not None:
            layers = (layers[0], fit(*layers))
        return Source(layers, self.geometry(*layers[0].shape[:2]), optics)


def together(sources: Sequence[Source], most: int) -> Iterator[tuple[int, ...]]:
    """Places of images that share a canvas, `most` at a time."""
    canvases = [source.geometry.canvas for source in sources]
    by_shape = sorted(range(len(sources)), key=lambda i: canvases[i])
    for _, same in groupby(by_shape, key=lambda i: canvases[i]):
        places = tuple(same)
        for start in range(0, len(places), most):
            yield places[start : start + most]


def _batch(sources: Sequence[Source], places: tuple[int, ...]) -> Batch:
    batch = tuple(sources[place] for place in places)
    return Batch(batch, places, np.stack([_canvas(source) for source in batch]))


def _canvas(source: Source) -> Image:
    layers = [letterbox(layer, source.geometry) for layer in source.layers]
    return np.concatenate(layers, 2)
