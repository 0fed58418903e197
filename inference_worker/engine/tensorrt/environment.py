"""Where an engine was made, and may run: all that TensorRT binds it to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inference_worker.engine.built import Machine
from inference_worker.engine.gpu import Gpu
from inference_worker.engine.tensorrt.library import trt
from inference_worker.engine.tensorrt.profiles import Profile


def machine_of(card: Gpu) -> Machine:
    """This machine, to compare an engine's manifest with before it is loaded. `driver`
    is the newest CUDA that the driver knows.
    """
    return Machine(
        tensorrt=str(trt.__version__),
        cuda=_version(card.cuda_version),
        driver=_version(card.driver_version),
        compute_capability=_version(card.compute_capability),
    )


def environment_of(
    card: Gpu, precision: str, profiles: Sequence[Profile]
) -> dict[str, Any]:
    """What an engine's manifest says of it (`built.Environment`)."""
    here = machine_of(card)
    return {
        "tensorrt": here.tensorrt,
        "cuda": here.cuda,
        "driver_minimum": here.cuda,
        "compute_capability": here.compute_capability,
        "gpu": card.name,
        "precision": precision,
        "profiles": [profile.as_json() for profile in profiles],
    }


def _version(numbers: Sequence[int]) -> str:
    return ".".join(map(str, numbers))
