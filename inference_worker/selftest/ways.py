"""The ways to run a version, and how each is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from inference_worker.engine.api import Detector, open_detector
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.precision import INT8
from inference_worker.engine.store import INT8_MODEL, Version

if TYPE_CHECKING:
    from inference_worker.engine.tensorrt.builder import Built

TENSORRT = "tensorrt"


@dataclass(frozen=True, slots=True)
class Way:
    backend: str
    precision: str

    def __str__(self) -> str:
        return f"{self.backend} {self.precision}"


@dataclass(frozen=True, slots=True)
class Options:
    """`images` at most in a call and `workspace` bytes are for engines that are built;
    `threads` for the CPU; `tell` gets a build's progress.
    """

    images: int = 8
    workspace: int = 2**30
    threads: int | None = None
    tell: Callable[[str, float], None] = field(default=lambda phase, done: None)


def ways_of(version: Version) -> tuple[Way, ...]:
    """Those for a CPU first; int8 where the version has it."""
    found = [
        Way("openvino", "f32"),
        Way("onnxruntime", "f32"),
        Way("cuda", "f16"),
        Way(TENSORRT, "f16"),
    ]
    if INT8_MODEL in version.manifest.files:
        found += [Way("openvino", INT8), Way(TENSORRT, INT8)]
    return tuple(found)


@contextmanager
def opened(
    way: Way, version: Version, options: Options
) -> Iterator[tuple[Detector, dict[str, Any]]]:
    """Ready to look, with figures of how it came to be. Engines are built for this and
    forgotten: nothing is written into the store.

    Raises StoreError, BackendError.
    """
    begun = perf_counter()
    if way.backend == TENSORRT:
        detector, figures = _of_engine(way, version, options)
    else:
        detector, figures = _of_onnx(way, version, options), {}
    try:
        detector.runner.warm_up()
        yield detector, {"seconds": round(perf_counter() - begun, 1), **figures}
    finally:
        detector.close()


def _of_onnx(way: Way, version: Version, options: Options) -> Detector:
    return open_detector(
        version,
        backend=way.backend,
        threads=options.threads,
        precision=way.precision,
    )


def _of_engine(
    way: Way, version: Version, options: Options
) -> tuple[Detector, dict[str, Any]]:
    built = _built(way, version, options)
    runner = open_backend(
        TENSORRT, version.manifest, built.plan, precision=way.precision
    )
    figures = {
        "plan_bytes": len(built.plan),
        "device_bytes": getattr(runner, "device_bytes", 0),
        "environment": built.environment,
        "warnings": list(built.warnings),
    }
    return Detector(runner), figures


def _built(way: Way, version: Version, options: Options) -> Built:
    """Imported when it is wanted: raises BackendUnavailable, which says what to do."""
    from inference_worker.engine.tensorrt import builder, networks, profiles

    return builder.build(
        networks.network_for(version, way.precision),
        profiles.profiles_of(version.manifest, options.images),
        options.workspace,
        precision=way.precision,
        progress=lambda told: options.tell(told.phase, told.done),
    )
