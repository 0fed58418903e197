"""How good an imported network is on labelled photos, and where to cut its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from inference_worker.engine.api import Detector
from inference_worker.engine.coco import Sample
from inference_worker.engine.errors import DatasetError
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.metrics import Metrics, evaluate_detections
from inference_worker.engine.types import Guesses
from inference_worker.evaluation import find_all, read_labelled
from inference_worker.importing.errors import doing
from inference_worker.progress import shown
from inference_worker.untrusted.confined import ConfinedBackend
from inference_worker.untrusted.limits import ProbeLimits

_STEPS = np.arange(4, 97, 2) / 100
_AS_GOOD = 0.002


def measure_imported(
    manifest: Manifest,
    model: bytes,
    folder: Path,
    threshold: float | None,
    backend: str,
    limits: ProbeLimits,
) -> tuple[float, Metrics]:
    """The threshold and the figures at it; it is chosen unless given.

    The network runs in a child, within `limits` for each image. Raises DatasetError for
    a folder without boxes, ModelRefused.
    """
    samples = read_labelled(folder, manifest.classes, templates=False)
    if not any(len(sample.truth) for sample in samples):
        raise DatasetError(f"{folder}: no image has a box to be found")
    # One image a call, so that several never take more memory than one did.
    alone = replace(manifest, input=replace(manifest.input, batch=1))
    with (
        doing(f"measuring it on {backend}"),
        ConfinedBackend(backend, alone, model, limits=limits) as runner,
    ):
        every_image = find_all(Detector(runner), samples)
        found = list(shown(every_image, len(samples), "measuring"))
    classes = manifest.classes
    best = _best(samples, found, classes) if threshold is None else threshold
    truth = [sample.truth for sample in samples]
    every, seen = ([getattr(one, kind) for one in found] for kind in ("every", "seen"))
    return best, evaluate_detections(truth, every, classes, best, seen)


def _best(
    samples: Sequence[Sample], found: Sequence[Guesses], classes: tuple[str, ...]
) -> float:
    """Where F is best; of all as good within 0.002 the middle one, as in training."""
    truth = [sample.truth for sample in samples]
    seen = [one.seen for one in found]
    values = [evaluate_detections(truth, seen, classes, float(at)).f for at in _STEPS]
    good = np.flatnonzero(np.array(values) >= max(values) - _AS_GOOD)
    return float(_STEPS[good[len(good) // 2]])
