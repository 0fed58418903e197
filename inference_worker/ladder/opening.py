"""From a rung to the verified files it runs on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from inference_worker.engine.api import Detector, open_detector
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.built import Machine
from inference_worker.engine.engines import Engine, open_engine
from inference_worker.engine.entries import engines_of
from inference_worker.engine.errors import BackendUnavailable
from inference_worker.engine.store import Version, open_signed
from inference_worker.ladder.rungs import BUILT, Rung

if TYPE_CHECKING:
    from inference_worker.ladder.workshop import Recipe


@dataclass(frozen=True, eq=False, slots=True)
class Opened:
    """A detector, and the signed files that it was made of."""

    detector: Detector
    source: Version | Engine


def open_rung(rung: Rung, recipe: Recipe) -> Opened:
    """Verified and loaded, not yet warm. Raises StoreError, ManifestError,
    BackendError.
    """
    if rung.backend == BUILT:
        engine = _engine(rung, recipe)
        return Opened(_of_engine(engine, recipe), engine)
    version = recipe.open_version()
    detector = open_detector(
        version,
        backend=rung.backend,
        threads=recipe.threads,
        precision=recipe.precision,
    )
    return Opened(detector, version)


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
