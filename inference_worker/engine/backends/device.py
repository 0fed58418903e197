"""What backends on a graphics card share: from photos to the network's input and back.

Photos go up as they are and become planes in one launch; the network runs on device
pointers in the same stream, and what it found is chosen there, so that only boxes that
stay come down. The way back to the photos is the host's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.backends.base import Backend, Placed, Source, together
from inference_worker.engine.errors import InferenceFailed
from inference_worker.engine.finding import Finder
from inference_worker.engine.gpu import Gpu, Memory, Stream
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.optics import Optics
from inference_worker.engine.preparing import Layer, Preparer
from inference_worker.engine.preprocess import (
    STRETCH_SMOOTH,
    Geometry,
    letterbox,
    plan,
)
from inference_worker.engine.types import Detections, FloatArray, Image

R = TypeVar("R")

Shape = tuple[int, int, int, int]
"""Images, channels, height, width of a network's input."""

MOST = 32
MOST_ON_A_SMALL_CARD = 8
_SMALL = 20 * 2**30
_MOST_BYTES = 256 * 2**20  # of photos in one upload


class DeviceBackend(Backend):
    """One model on one card. `most` images share a call.

    A backend says how to run the network in `enqueue`, and which canvases and numbers
    of images it can take. `half` networks take float16, the others float32. Raises
    GpuError wherever the card fails; after DeviceLost the process must leave.
    """

    def __init__(
        self, manifest: Manifest, card: Gpu, *, half: bool, most: int | None = None
    ) -> None:
        super().__init__(manifest)
        self.card, self.half = card, half
        self.most = most or manifest.input.batch or usual_most(card)
        self.stream: Stream = card.stream()
        self._held: list[Memory] = []
        self._preparer = Preparer(card, half)
        self._finder = Finder(card, self.most)
        self._planes = self.alloc(self._largest())
        self._came: NDArray[np.float32] = np.empty(0, np.float32)

    @abstractmethod
    def enqueue(
        self, source: Memory, shape: Shape, stream: Stream
    ) -> tuple[Memory, tuple[int, ...]]:
        """Queue the network on `source`: float32 output and its shape, (n, anchors,
        4 + classes) as in `Backend.forward`.

        `source` is the same memory in every call. The output stays as it is until the
        next call.
        """

    def frame(self, canvas: tuple[int, int]) -> tuple[int, int]:
        """The smallest canvas that the network takes and that holds this one."""
        return canvas

    def room(self, nbytes: int) -> NDArray[np.uint8] | None:
        return self._preparer.landing.room(nbytes)

    def slots(self, count: int) -> int:
        """How many images the network runs with when there are `count`, 1 to `most`;
        what it says of the others is not looked at.
        """
        return count

    @property
    def device_bytes(self) -> int:
        """What it holds on the card, as far as it knows: its buffers."""
        held = sum(memory.nbytes for memory in self._held)
        return held + self._preparer.device_bytes + self._finder.device_bytes

    def alloc(self, nbytes: int) -> Memory:
        """Memory that goes with the backend."""
        self._held.append(self.card.alloc(nbytes))
        return self._held[-1]

    def close(self) -> None:
        self._preparer.close()
        self._finder.close()
        while self._held:
            self._held.pop().free()

    def geometry(self, height: int, width: int) -> Geometry:
        """As everywhere, on a canvas that this network takes."""
        usual = super().geometry(height, width)
        frame = self.frame(usual.canvas)
        if frame == usual.canvas:
            return usual
        spec = self.manifest.input
        stride = self.manifest.stride
        return plan(*usual.original, spec.sizes, stride, spec.fit, frame)

    def source(
        self, image: Image, template: Image | None, optics: Optics | None
    ) -> Source:
        """As everywhere; but a photo that the kernel can correct goes up as it is."""
        smooth = self.manifest.input.fit == STRETCH_SMOOTH
        if optics is None or template is not None or smooth:
            return super().source(image, template, optics)
        optics.check(image)
        return Source((image,), self.geometry(*optics.shape), optics, corrected=False)

    def forward(self, pixels: NDArray[np.uint8]) -> FloatArray:
        geometry = _whole(pixels[0])
        layers = [
            Layer(one[..., at : at + 3], geometry)
            for one in pixels
            for at in range(0, pixels.shape[3], 3)
        ]
        with self.card.active():
            output, shape = self._forward(layers, len(pixels), geometry.canvas)
            return self._downloaded(output, shape).copy()

    def _look(self, sources: Sequence[Source], threshold: float) -> list[Detections]:
        return self._each(sources, partial(self._find, threshold=threshold))

    def _run(
        self,
        sources: Sequence[Source],
        finish: Callable[[FloatArray, Placed], list[R]],
    ) -> list[R]:
        def finished(output: Memory, shape: tuple[int, ...], placed: Placed) -> list[R]:
            return finish(self._downloaded(output, shape), placed)

        return self._each(sources, finished)

    def _each(
        self,
        sources: Sequence[Source],
        finish: Callable[[Memory, tuple[int, ...], Placed], list[R]],
    ) -> list[R]:
        """What `finish` makes of each image's output on the card."""
        results: dict[int, R] = {}
        with self.card.active():
            for places in self._sendable(sources):
                placed = Placed(tuple(sources[i] for i in places), places)
                layers = [layer for one in placed.sources for layer in _layers(one)]
                canvas = placed.sources[0].geometry.canvas
                output, shape = self._forward(layers, len(places), canvas)
                done = finish(output, shape, placed)
                results.update(zip(places, done, strict=True))
        return [results[place] for place in range(len(sources))]

    def _sendable(self, sources: Sequence[Source]) -> Iterator[tuple[int, ...]]:
        """Places that share a call, their photos not too large for one upload."""
        for places in together(sources, self.most):
            now: tuple[int, ...] = ()
            nbytes = 0
            for place in places:
                size = sum(image.nbytes for image in sources[place].layers)
                if now and nbytes + size > _MOST_BYTES:
                    yield now
                    now, nbytes = (), 0
                now, nbytes = (*now, place), nbytes + size
            yield now

    def _forward(
        self, layers: Sequence[Layer], count: int, canvas: tuple[int, int]
    ) -> tuple[Memory, tuple[int, ...]]:
        """Queue the network for `count` images: its output, and the shape of what it
        says of them, (count, anchors, 4 + classes).
        """
        shape = (self.slots(count), self.manifest.input.channels, *canvas)
        self._preparer.prepare(layers, self._planes, canvas, self.stream)
        output, out_shape = self.enqueue(self._planes, shape, self.stream)
        if len(out_shape) != 3 or out_shape[0] < count:
            raise InferenceFailed(f"the network gave {out_shape} for {shape}")
        return output, (count, *out_shape[1:])

    def _find(
        self, output: Memory, shape: tuple[int, ...], placed: Placed, threshold: float
    ) -> list[Detections]:
        """As `post_process`, which does it where there are too many candidates."""
        self._check(shape, len(placed.sources))
        iou = self.manifest.nms_iou
        self._finder.queue(output, shape, threshold, iou, self.stream)
        self.stream.synchronize()
        found = self._finder.found(placed.sources)
        if found is not None:
            return found
        return self.post_process(self._downloaded(output, shape), placed, threshold)

    def _downloaded(self, output: Memory, shape: tuple[int, ...]) -> FloatArray:
        """It lies in a buffer that the next call fills anew."""
        came = self._room(int(np.prod(shape)))
        self.card.download(came, output, self.stream)
        self.stream.synchronize()
        return came.reshape(shape)

    def _room(self, values: int) -> FloatArray:
        if len(self._came) < values:
            size = 1 << (values - 1).bit_length()
            self._came = self.card.pinned((size,), np.float32)
        return self._came[:values]

    def _largest(self) -> int:
        """Bytes of the fullest batch on the largest canvas."""
        spec = self.manifest.input
        height, width = spec.canvas or (max(spec.sizes),) * 2
        tall, wide = self.frame((height, width))
        values = self.most * spec.channels * tall * wide
        return values * (2 if self.half else 4)


def usual_most(card: Gpu) -> int:
    """Images in a call; more wait for the next."""
    return MOST if card.total_bytes >= _SMALL else MOST_ON_A_SMALL_CARD


def _layers(source: Source) -> list[Layer]:
    """As they are, where the kernel knows how to place them."""
    geometry = source.geometry
    if geometry.fit != STRETCH_SMOOTH:
        optics = None if source.corrected else source.optics
        return [Layer(image, geometry, optics) for image in source.layers]
    canvases = [letterbox(image, geometry) for image in source.layers]
    return [Layer(canvas, _whole(canvas)) for canvas in canvases]


def _whole(pixels: NDArray[Any]) -> Geometry:
    size = (int(pixels.shape[0]), int(pixels.shape[1]))
    return Geometry(size, size, size)
