"""What a self-test leaves behind: the machine, the versions, every figure."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from inference_worker.engine import clock
from inference_worker.engine.errors import EngineError
from inference_worker.engine.gpu import open_gpu
from inference_worker.engine.store import Version
from inference_worker.selftest.trial import Outcome

SCHEMA = 1
_PACKAGES = (
    *("numpy", "onnx", "onnxruntime", "onnxruntime-gpu", "openvino"),
    *("opencv-python-headless", "pycuda", "nvidia-ml-py"),
    *("tensorrt-cu13", "tensorrt", "tensorrt-cu12"),
)


def evidence(found: Version, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """As JSON. What was not tried or not there is in it as well, with the reason."""
    manifest = found.manifest
    return {
        "schema": SCHEMA,
        "kind": "selftest",
        "at": clock.now(),
        "model": {
            "name": manifest.model,
            "version": manifest.version,
            "files": {name: pin.sha256 for name, pin in manifest.files.items()},
        },
        "machine": _machine(),
        "gpu": _gpu(),
        "packages": _packages(),
        "outcomes": [_outcome(one) for one in outcomes],
    }


def _outcome(one: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {**asdict(one.way), "state": one.state}
    if one.latencies:
        measured = one.latencies.items()
        told["latencies"] = {str(load): asdict(taken) for load, taken in measured}
    others: Mapping[str, Any] = {
        "code": one.code,
        "message": one.message,
        "hint": one.hint,
        **one.figures,
    }
    return told | {name: value for name, value in others.items() if value}


def _machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    names = [line for line in text.splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def _gpu() -> dict[str, Any]:
    try:
        card = open_gpu()
        return {
            "name": card.name,
            "total_bytes": card.total_bytes,
            "compute_capability": ".".join(map(str, card.compute_capability)),
            "driver": ".".join(map(str, card.driver_version)),
            "cuda": ".".join(map(str, card.cuda_version)),
        }
    except EngineError as error:
        return {"missing": str(error), "hint": error.hint}


def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
