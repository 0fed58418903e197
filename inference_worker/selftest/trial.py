"""Try one way: is it right, and how long does it take?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import cv2
import numpy as np

from inference_worker.engine.api import Detector
from inference_worker.engine.errors import (
    BackendUnavailable,
    BackendUnknown,
    EngineError,
)
from inference_worker.engine.store import Version
from inference_worker.engine.types import Image
from inference_worker.ladder.errors import WrongNumbers
from inference_worker.ladder.reference import Reference
from inference_worker.selftest.ways import Options, Way, opened

RIGHT, WRONG, MISSING, FAILED = "right", "wrong", "missing", "failed"

_SECONDS = 2.0  # for each load
_MOST, _LEAST = 200, 5
_WARM = 2


@dataclass(frozen=True, slots=True)
class Load:
    """Images of one size in one call."""

    images: int
    side: int

    def __str__(self) -> str:
        return f"{self.images}x{self.side}"


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one call, from pixels to boxes."""

    median_ms: float
    p99_ms: float
    calls: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """`state` is one of RIGHT, WRONG, MISSING and FAILED; the rest of the first is in
    `latencies` and `figures`, of the others in `code`, `message` and `hint`.
    """

    way: Way
    state: str
    latencies: dict[Load, Latency] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    hint: str = ""


def loads_of(version: Version, images: int) -> tuple[Load, ...]:
    """One image at each size of the model, and a full call at the middle one."""
    sizes = version.manifest.input.sizes
    full = Load(version.manifest.input.batch or images, sizes[len(sizes) // 2])
    return tuple(dict.fromkeys([*(Load(1, side) for side in sizes), full]))


def tried(
    way: Way, version: Version, reference: Reference, options: Options
) -> Outcome:
    """What became of it; nothing is raised for a way that does not work here."""
    loads = loads_of(version, options.images)
    try:
        with opened(way, version, options) as (detector, figures):
            reference.check(detector)
            picture = reference.picture
            measured = {
                load: _measured(detector, picture.image, picture.template, load)
                for load in loads
            }
    except (BackendUnavailable, BackendUnknown) as error:
        return _without(way, MISSING, error)
    except WrongNumbers as error:
        return _without(way, WRONG, error)
    except EngineError as error:
        return _without(way, FAILED, error)
    return Outcome(way, RIGHT, measured, figures)


def _without(way: Way, state: str, error: EngineError) -> Outcome:
    code, hint = type(error).code, error.hint
    return Outcome(way, state, code=code, message=str(error), hint=hint)


def _measured(detector: Detector, image: Image, template: Image, load: Load) -> Latency:
    """Calls one after another: what one camera would see of a machine at rest."""
    images = [_sized(image, load.side)] * load.images
    templates = [_sized(template, load.side)] * load.images
    given = (images, templates if detector.wants_templates else None)
    for _ in range(_WARM):
        detector.infer(*given)
    taken: list[float] = []
    while len(taken) < _LEAST or (sum(taken) < _SECONDS and len(taken) < _MOST):
        begun = perf_counter()
        detector.infer(*given)
        taken.append(perf_counter() - begun)
    return _latency(taken)


def _latency(seconds: Sequence[float]) -> Latency:
    median, high = np.percentile(seconds, (50, 99)) * 1000
    return Latency(round(float(median), 2), round(float(high), 2), len(seconds))


def _sized(image: Image, side: int) -> Image:
    if image.shape[:2] == (side, side):
        return image
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR))
