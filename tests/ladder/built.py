"""Engines that are signed as real ones are, for the data folder of a test. TensorRT's
part is played by ONNX Runtime behind a plan's header.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inference_worker.engine.built import Environment, Machine
from inference_worker.engine.issuing import write_engine
from inference_worker.engine.store import open_latest
from inference_worker.ladder.rungs import PREVIOUS
from tests.ladder import shaky

HERE = Machine(
    tensorrt="11.4.0.106", cuda="13.0", driver="13.0", compute_capability="9.0"
)
HEADER = b"ftrt".ljust(24, b"\0") + bytes([11, 4, 0, 106])
FIRST = b"first"


class Tensorrt(shaky.Cuda):
    """`break_("tensorrt-previous", …)` is for the engine that was built first."""

    name = "tensorrt"

    def __init__(self, manifest: Any, model: bytes, **options: Any) -> None:
        onnx = model.removeprefix(HEADER)
        if onnx.startswith(FIRST):
            self.ordered = f"{self.name}{PREVIOUS}"
        super().__init__(manifest, onnx.removeprefix(FIRST), **options)


def build(data: Path, **environment: str) -> Path:
    """A new engine of the toy model, the newest of its kind: its folder."""
    version = open_latest(data, "toy")
    told = {
        "tensorrt": HERE.tensorrt,
        "cuda": HERE.cuda,
        "driver_minimum": "13.0",
        "compute_capability": HERE.compute_capability,
        "gpu": "NVIDIA H100",
        "precision": "f32",
        **environment,
    }
    there = version.folder / "engines"
    mark = b"" if there.exists() and any(there.iterdir()) else FIRST
    made = write_engine(
        data,
        version,
        version.manifest.files["model.onnx"].sha256,
        HEADER + mark + version.read("model.onnx"),
        None,
        Environment(**told, profiles=()),
    )
    return there / made.engine
