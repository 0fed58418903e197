"""The engine's front door: a verified model, warm and ready to look at images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.errors import EngineMissing
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.optics import Optics
from inference_worker.engine.precision import INT8, hinted
from inference_worker.engine.store import (
    INT8_MODEL,
    MODEL,
    Version,
    open_adopted,
    open_folder,
)
from inference_worker.engine.types import Detections, Guesses, Image

_FASTER_IN_INT8 = ("openvino",)


@dataclass(frozen=True, slots=True)
class Detector:
    """A loaded model. Not thread-safe: one thread owns it."""

    runner: Backend

    @property
    def model(self) -> str:
        return self.runner.manifest.model

    @property
    def version(self) -> str:
        return self.runner.manifest.version

    @property
    def backend(self) -> str:
        return self.runner.name

    @property
    def precision(self) -> str:
        """What the runtime really computes in, such as `bf16` or `f32`."""
        return self.runner.precision

    @property
    def classes(self) -> tuple[str, ...]:
        return self.runner.manifest.classes

    @property
    def threshold(self) -> float:
        """The score that makes a defect, as shipped with the model."""
        return self.runner.manifest.threshold

    @property
    def wants_templates(self) -> bool:
        return self.runner.manifest.input.channels == 6

    def infer(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None = None,
        optics: Sequence[Optics | None] | None = None,
        *,
        threshold: float | None = None,
    ) -> list[Detections]:
        """See Backend.infer."""
        return self.runner.infer(images, templates, optics, threshold=threshold)

    def guess(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None,
        threshold: float,
    ) -> list[Guesses]:
        """See Backend.guess."""
        return self.runner.guess(images, templates, threshold)

    def close(self) -> None:
        """See Backend.close."""
        self.runner.close()


def data_folder() -> Path:
    """CAUSELINE_DATA, or `var` beside the program, as the web side has it."""
    usual = Path(__file__).resolve().parents[2] / "var"
    return Path(os.environ.get("CAUSELINE_DATA") or usual)


def load_detector(
    model: str,
    version: str | None = None,
    *,
    data: Path,
    backend: str = "openvino",
    threads: int | None = None,
    precision: str | None = None,
) -> Detector:
    """An adopted model, its latest version unless one is named, after a warm-up.

    Takes a second or two. Raises StoreError for what may not be loaded and
    BackendError for what cannot run.
    """
    found = open_adopted(data, model, version)
    return load_version(found, backend=backend, threads=threads, precision=precision)


def load_folder(
    folder: Path,
    *,
    backend: str = "openvino",
    threads: int | None = None,
    precision: str | None = None,
) -> Detector:
    """A version folder that nobody signed: for measuring what was made on this machine.

    Nobody looks into its networks: `commands.models.open_given` opens strangers'.
    """
    found = open_folder(folder)
    return load_version(found, backend=backend, threads=threads, precision=precision)


def load_version(
    found: Version,
    *,
    backend: str = "openvino",
    threads: int | None = None,
    precision: str | None = None,
) -> Detector:
    """The same of a version that was opened."""
    detector = open_detector(
        found, backend=backend, threads=threads, precision=precision
    )
    detector.runner.warm_up()
    return detector


def open_detector(
    found: Version,
    *,
    backend: str = "openvino",
    threads: int | None = None,
    precision: str | None = None,
) -> Detector:
    """Not yet warm: in int8 where it is asked for, or where nothing is, the version
    has it and the backend is faster with it; else see `open_backend`.

    Raises StoreError for what may not be loaded and BackendError for what cannot run.
    """
    precision = precision or _usual_precision(found, backend)
    file = INT8_MODEL if precision == INT8 else MODEL
    if file not in found.manifest.files:
        raise _missing(found.manifest)
    runner = open_backend(
        backend,
        found.manifest,
        found.read(file),
        threads=threads,
        precision=precision,
    )
    return Detector(runner)


def _usual_precision(found: Version, backend: str) -> str | None:
    """None leaves it to hint, manifest and backend. Raises PrecisionUnknown."""
    asked = hinted()
    has_int8 = INT8_MODEL in found.manifest.files
    return INT8 if has_int8 and backend in _FASTER_IN_INT8 and not asked else None


def _missing(manifest: Manifest) -> EngineMissing:
    """Without a network in float the version is none; int8 it need not have."""
    name = f"{manifest.model} {manifest.version}"
    if MODEL not in manifest.files:
        return EngineMissing(
            f"{name} has no {MODEL}: its manifest names {', '.join(manifest.files)}",
            "Take the version folder again from where it was released.",
        )
    return EngineMissing(
        f"{name} has no int8", "Make one with `quantise`, or ask for another precision."
    )
