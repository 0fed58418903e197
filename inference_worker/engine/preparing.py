"""Photos to a network's input on the card: one launch a batch.

What was decoded into page-locked memory goes up from there; all else is copied to such
memory and goes up together with the table of jobs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.errors import DeviceRefused
from inference_worker.engine.gpu import Gpu, Memory, Stream
from inference_worker.engine.kernels import source
from inference_worker.engine.landing import Landing
from inference_worker.engine.optics import MAPS_BYTES, Optics, Region, maps
from inference_worker.engine.preprocess import Geometry, shrinks_by_area
from inference_worker.engine.types import Image

_POINTERS = ("photo", "places", "fractions")
_NUMBERS = (
    *("height", "width"),
    *("top", "left", "tall", "wide"),
    *("content_tall", "content_wide", "margin_top", "margin_left"),
    *("denoise", "by_area", "planes"),
)
JOB = np.dtype(
    [(name, np.uint64) for name in _POINTERS] + [(name, np.int32) for name in _NUMBERS],
    align=True,
)
"""struct Job of prepare.cu."""

_BLOCK = (32, 8, 1)
_TILE = (32, 64)
"""DOWN and ACROSS of prepare.cu: what a block makes of the canvas."""
_ALIGNED = 256
_BEYOND = 32
"""Bytes behind a photo that may be read, since the kernel reads whole words."""
_LENS_BYTES = MAPS_BYTES
_COPIERS = 4


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    """A photo, or a template, on its way to three planes of a canvas.

    `geometry` is of what the optics leave of it.
    """

    image: Image
    geometry: Geometry
    optics: Optics | None = None


class Preparer:
    """Owns the buffers that photos go through; they grow to the largest batch seen.

    Not thread-safe.
    """

    def __init__(self, card: Gpu, half: bool) -> None:
        self._card = card
        name = "prepare_half" if half else "prepare_float"
        text = source("prepare.cu")
        self._kernel = card.kernel(text, name, "PPii")
        self._staging: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._sources: Memory | None = None
        self._sent = card.event()
        self._copiers = ThreadPoolExecutor(_COPIERS, "staging")
        self.landing = Landing(card)
        self._lenses: OrderedDict[Optics, tuple[Memory, Memory]] = OrderedDict()

    @property
    def device_bytes(self) -> int:
        sources = self._sources.nbytes if self._sources else 0
        return sources + self._lens_bytes

    @property
    def _lens_bytes(self) -> int:
        return sum(memory.nbytes for pair in self._lenses.values() for memory in pair)

    def prepare(
        self,
        layers: Sequence[Layer],
        target: Memory,
        canvas: tuple[int, int],
        stream: Stream,
    ) -> None:
        """Queue the making of planes from layers, all for one (height, width) canvas.

        The layers follow each other in `target`, three planes each. Waits until the
        batch before has gone up, and for all of the stream where buffers must grow.
        """
        for layer in layers:
            if layer.optics is not None:
                layer.optics.check(layer.image)
        self._bring_lenses(layers, stream)
        landed = [self.landing.holds(layer.image) for layer in layers]
        places, copied, end = _placed(layers, landed)
        self._sent.synchronize()
        sources = self._room(end, stream)
        there = [sources.pointer + place for place in places]
        self._write(layers, there)
        self._copy(layers, places, landed)
        self._card.upload(sources, self._staging[:copied], stream)
        for layer, place, ready in zip(layers, places, landed, strict=True):
            if ready:
                self._card.upload(sources, layer.image, stream, place)
        self._sent.record(stream)
        self.launch(len(layers), target, canvas, stream)

    def _write(self, layers: Sequence[Layer], photos: Sequence[int]) -> None:
        """The table of jobs: where on the card each photo will be, and what to do."""
        jobs = self._staging[: len(layers) * JOB.itemsize].view(JOB)
        for i, (layer, photo) in enumerate(zip(layers, photos, strict=True)):
            jobs[i] = self._job(layer, photo, 3 * i)

    def _copy(
        self, layers: Sequence[Layer], places: Sequence[int], landed: Sequence[bool]
    ) -> None:
        """Photos that lie elsewhere, to where they are sent from."""
        rest = [i for i, ready in enumerate(landed) if not ready]
        # One copier fills memory at a tenth of what the bus to the card takes.
        together = self._copiers.map if len(rest) > 1 else map
        images = [layers[i].image for i in rest]
        list(together(self._stage, images, [places[i] for i in rest]))

    def launch(
        self, layers: int, target: Memory, canvas: tuple[int, int], stream: Stream
    ) -> None:
        """Queue the kernel on what was sent last; `prepare` does so itself."""
        if self._sources is None:
            raise DeviceRefused("nothing was sent to be prepared")
        pointers = (self._sources.pointer, target.pointer)
        self._kernel(_grid(canvas, layers), _BLOCK, stream, *pointers, *canvas)

    def close(self) -> None:
        self._copiers.shutdown()
        if self._sources is not None:
            self._sources.free()
        while self._lenses:
            for memory in self._lenses.popitem()[1]:
                memory.free()

    def _room(self, nbytes: int, stream: Stream) -> Memory:
        """Buffers of that size at least, on both sides."""
        if self._sources is not None and self._sources.nbytes >= nbytes:
            return self._sources
        stream.synchronize()
        if self._sources is not None:
            self._sources.free()
            self._sources = None
        size = 1 << (nbytes - 1).bit_length()
        self._sources = self._card.alloc(size)
        self._staging = self._card.pinned((size,), np.uint8)
        return self._sources

    def _stage(self, image: Image, place: int) -> None:
        there = self._staging[place : place + image.size].reshape(image.shape)
        np.copyto(there, image)

    def _job(self, layer: Layer, photo: int, planes: int) -> Any:
        geometry, optics = layer.geometry, layer.optics
        height, width = layer.image.shape[:2]
        seen = optics.seen if optics else Region(0, 0, width, height)
        places = fractions = 0
        if optics and optics.distortion:
            places, fractions = (part.pointer for part in self._lenses[optics])
        return (
            *(photo, places, fractions),
            *(height, width),
            *(seen.top, seen.left, seen.height, seen.width),
            *(*geometry.content, *geometry.offset),
            optics.denoise if optics else 0,
            shrinks_by_area(geometry),
            planes,
        )

    def _bring_lenses(self, layers: Sequence[Layer], stream: Stream) -> None:
        """Have the maps of all of them on the card; the least used give way to new
        ones, but none that this very batch looks through.
        """
        wanted = {one.optics for one in layers if one.optics and one.optics.distortion}
        for optics in wanted & self._lenses.keys():
            self._lenses.move_to_end(optics)
        missing = wanted - self._lenses.keys()
        if not missing:
            return
        stream.synchronize()
        while self._lens_bytes > _LENS_BYTES and next(iter(self._lenses)) not in wanted:
            for memory in self._lenses.popitem(last=False)[1]:
                memory.free()
        for optics in missing:
            self._lenses[optics] = self._uploaded(optics, stream)

    def _uploaded(self, optics: Optics, stream: Stream) -> tuple[Memory, Memory]:
        places, fractions = maps(optics)
        there = self._card.alloc(places.nbytes), self._card.alloc(fractions.nbytes)
        for memory, values in zip(there, (places, fractions), strict=True):
            self._card.upload(memory, values, stream)
        stream.synchronize()
        return there


def _placed(
    layers: Sequence[Layer], landed: Sequence[bool]
) -> tuple[list[int], int, int]:
    """Where each photo lies behind the table of jobs, where those end that are copied,
    which come first, and where all do.
    """
    at, places = _aligned(len(layers) * JOB.itemsize), [0] * len(layers)
    copied = at
    for i in sorted(range(len(layers)), key=lambda i: landed[i]):
        places[i] = at
        at = _aligned(at + layers[i].image.size + _BEYOND)
        copied = copied if landed[i] else at
    return places, copied, at


def _aligned(value: int) -> int:
    return -(-value // _ALIGNED) * _ALIGNED


def _grid(canvas: tuple[int, int], layers: int) -> tuple[int, int, int]:
    down, across = (-(-side // tile) for side, tile in zip(canvas, _TILE, strict=True))
    return across, down, layers
