"""From a rung to the verified files it runs on."""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import TYPE_CHECKING

from inference_worker.engine.api import Detector, open_detector
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.built import Machine
from inference_worker.engine.engines import Engine, engines_of, open_engine
from inference_worker.engine.errors import BackendUnavailable
from inference_worker.engine.store import open_signed
from inference_worker.ladder.rungs import BUILT, Rung

if TYPE_CHECKING:
    from inference_worker.ladder.workshop import Recipe


def open_rung(rung: Rung, recipe: Recipe) -> Detector:
    """Verified and loaded, not yet warm. Raises StoreError, ManifestError,
    BackendError.
    """
    if rung.backend == BUILT:
        return _of_engine(_engine(rung, recipe), recipe)
    return open_detector(
        recipe.open_version(),
        backend=rung.backend,
        threads=recipe.threads,
        precision=recipe.precision,
    )


def identity_of(rung: Rung, recipe: Recipe) -> str:
    """What would be loaded, as far as a trial need not be repeated for it: an engine
    that was built meanwhile makes it another.
    """
    name = f"{recipe.model}@{recipe.version}"
    if rung.backend != BUILT:
        return name
    entries = engines_of(recipe.data, recipe.model)
    signed = [entry.signed for entry in entries if entry.signed is not None]
    plans = sorted(one.manifest.plan.sha256 for one in signed)
    return f"{name}+{hashlib.sha256(','.join(plans).encode()).hexdigest()[:16]}"


def _engine(rung: Rung, recipe: Recipe) -> Engine:
    return open_engine(
        recipe.data,
        recipe.model,
        recipe.version,
        this_machine(),
        precision=recipe.precision,
        previous=rung.previous,
    )


def _of_engine(engine: Engine, recipe: Recipe) -> Detector:
    """With the manifest of the version that it was built from: a previous engine may
    be of an earlier one.
    """
    told = engine.manifest
    version = open_signed(recipe.data, told.model, told.version)
    precision = told.environment.precision
    runner = open_backend(BUILT, version.manifest, engine.plan, precision=precision)
    return Detector(runner)


def this_machine() -> Machine:
    """What an engine must have been built for. Raises BackendUnavailable, GpuError."""
    try:
        here = import_module("inference_worker.engine.tensorrt.environment")
        gpu = import_module("inference_worker.engine.gpu")
    except ImportError as error:
        raise BackendUnavailable(f"TensorRT is not installed: {error}") from error
    machine: Machine = here.machine_of(gpu.open_gpu())
    return machine
