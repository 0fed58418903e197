"""The engine's front door: a verified model, warm and ready to look at images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.store import (
    MODEL,
    Version,
    open_folder,
    open_latest,
    open_signed,
)
from inference_worker.engine.types import Detections, Guesses, Image


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
        *,
        threshold: float | None = None,
    ) -> list[Detections]:
        """See Backend.infer."""
        return self.runner.infer(images, templates, threshold=threshold)

    def guess(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None,
        threshold: float,
    ) -> list[Guesses]:
        """See Backend.guess."""
        return self.runner.guess(images, templates, threshold)


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
    found = open_signed(data, model, version) if version else open_latest(data, model)
    return _load(found, backend, threads, precision)


def load_folder(
    folder: Path,
    *,
    backend: str = "openvino",
    threads: int | None = None,
    precision: str | None = None,
) -> Detector:
    """A version folder that nobody signed: for measuring on a developer's machine."""
    return _load(open_folder(folder), backend, threads, precision)


def _load(
    found: Version, backend: str, threads: int | None, precision: str | None
) -> Detector:
    runner = open_backend(
        backend,
        found.manifest,
        found.read(MODEL),
        threads=threads,
        precision=precision,
    )
    runner.warm_up()
    return Detector(runner)
