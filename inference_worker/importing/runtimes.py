"""Which of our backends run an imported network, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference_worker.engine.backends.registry import BACKENDS, open_backend
from inference_worker.engine.errors import BackendError
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.types import FloatArray
from inference_worker.engine.visible import visible
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.source import picture

_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Runtimes:
    """`refused` says of each backend that cannot run it why; `apart` is the largest
    difference of a score between those that can, in f32 on a drawn picture.
    """

    refused: dict[str, str]
    apart: float

    @property
    def first(self) -> str:
        """The name of the first that runs it."""
        return next(name for name in BACKENDS if name not in self.refused)


def try_backends(manifest: Manifest, model: bytes) -> Runtimes:
    """ImportRefused when no backend runs it."""
    spec = manifest.input
    drawn = picture(spec.canvas or (spec.sizes[0], spec.sizes[0]))
    pixels = np.round(drawn.transpose(0, 2, 3, 1) * 255).astype(np.uint8)
    given: dict[str, FloatArray] = {}
    refused: dict[str, str] = {}
    for name in BACKENDS:
        try:
            backend = open_backend(name, manifest, model, precision="f32")
            given[name] = backend.forward(pixels)
        except BackendError as error:
            refused[name] = visible(str(error))[:_MOST_SHOWN]
    if not given:
        raise ImportRefused(f"no backend runs it: {'; '.join(refused.values())}")
    scores = np.stack([one[..., 4:] for one in given.values()])
    return Runtimes(refused, float(np.ptp(scores, axis=0).max(initial=0.0)))
