"""What our backends make of an imported network, each in a child of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from inference_worker.engine.backends.registry import ON_PROCESSOR
from inference_worker.engine.errors import (
    BackendError,
    BackendUnavailable,
    InferenceFailed,
)
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.types import FloatArray
from inference_worker.engine.visible import visible
from inference_worker.importing.errors import ImportRefused, doing
from inference_worker.importing.layout import Canvas
from inference_worker.importing.source import Pixels, pixels
from inference_worker.untrusted.confined import ConfinedBackend
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import ProbeLimits

PICTURES = 2

_REFERENCE = "onnxruntime"
_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Run:
    """What one backend gave: `alone` of each drawn picture by itself, `together` of
    all in one call, `smaller` of canvases half as high and half as wide, `plain` of
    pictures that nobody draws: all white, all black, noise.

    An error stands as its text; `together` is None and `smaller` empty where the
    manifest does not promise that it can be.
    """

    alone: tuple[FloatArray, ...]
    smaller: Mapping[Canvas, FloatArray | str]
    together: FloatArray | str | None
    plain: tuple[FloatArray, ...] = ()


@dataclass(frozen=True, slots=True)
class Runs:
    """`refused` says of each backend that cannot run it why; `absent` are those that
    are not installed here, so nobody knows.
    """

    canvas: Canvas
    given: Mapping[str, Run]
    refused: Mapping[str, str]
    absent: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """The backend that the others are held against: ONNX's own where it runs."""
        return _REFERENCE if _REFERENCE in self.given else next(iter(self.given))


def try_backends(manifest: Manifest, model: bytes, limits: ProbeLimits) -> Runs:
    """All of them together take `limits.seconds` at most.

    Raises ImportRefused when none runs it. One that takes too long or too much memory,
    or dies, would do so in production as well: ModelRefused.
    """
    spec = manifest.input
    canvas = spec.canvas or (spec.sizes[0], spec.sizes[0])
    opened = partial(
        ConfinedBackend,
        manifest=manifest,
        model=model,
        precision=manifest.precision,
        limits=limits,
        deadline=time.monotonic() + limits.seconds,
    )
    given: dict[str, Run] = {}
    refused: dict[str, str] = {}
    absent: dict[str, str] = {}
    for name in ON_PROCESSOR:
        try:
            with doing(f"trying it on {name}"):
                given[name] = _run(partial(opened, name), canvas)
        except BackendUnavailable as error:
            absent[name] = visible(str(error))[:_MOST_SHOWN]
        except BackendError as error:
            refused[name] = visible(str(error))[:_MOST_SHOWN]
    if not given:
        why = "; ".join((refused | absent).values())
        raise ImportRefused(f"no backend runs it: {why}")
    return Runs(canvas, given, refused, tuple(absent))


def _run(opened: Callable[[], ConfinedBackend], canvas: Canvas) -> Run:
    drawn = [pixels(canvas, seed) for seed in range(PICTURES)]
    with opened() as backend:
        spec, stride = backend.manifest.input, backend.manifest.stride
        alone = tuple(backend.forward(one) for one in drawn)
        plain = tuple(_seeing(backend, *one) for one in _plain(canvas).items())
        halves = _halves(canvas, stride) if spec.canvas is None else ()
        smaller = {size: _attempt(backend, pixels(size, 0)) for size in halves}
        together = None if spec.batch else _together(backend, drawn)
    return Run(alone, smaller, together, plain)


def _plain(canvas: Canvas) -> dict[str, Pixels]:
    """What a camera gives with the lid on or into the light, and what none gives."""
    shape = (1, *canvas, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return {
        "a white picture": np.full(shape, 255, np.uint8),
        "a black picture": np.zeros(shape, np.uint8),
        "noise": noise,
    }


def _seeing(backend: ConfinedBackend, what: str, given: Pixels) -> FloatArray:
    """The network's size and time may depend on what is in a picture."""
    try:
        with doing(f"showing it {what}"):
            return backend.forward(given)
    except InferenceFailed as error:
        raise InferenceFailed(f"{what}: {error}", error.hint) from error


def _attempt(backend: ConfinedBackend, given: Pixels) -> FloatArray | str:
    try:
        return backend.forward(given)
    except InferenceFailed as error:
        return visible(str(error))[:_MOST_SHOWN]


def _together(backend: ConfinedBackend, several: Sequence[Pixels]) -> FloatArray | str:
    """The last that is asked of a backend: lack of memory ends it. Where several need
    more than one may have, each can do with less.
    """
    try:
        return _attempt(backend, np.concatenate(several))
    except ModelRefused as refused:
        if refused.reason not in (Reason.OUT_OF_MEMORY, Reason.OUTPUT_TOO_LARGE):
            raise
        return refused.told


def _halves(canvas: Canvas, stride: int) -> list[Canvas]:
    """Half as high, and half as wide, in multiples of the stride."""
    height, width = canvas
    halves = [
        (_half(height, stride), width),
        (height, _half(width, stride)),
    ]
    return [one for one in halves if one != canvas]


def _half(side: int, stride: int) -> int:
    return -(-side // (2 * stride)) * stride
