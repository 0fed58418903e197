"""Real backends that fail when a file says so: what to do is its content.

`SHAKY` in the environment names the folder; a file there is named as the rung. They
stand for devices that break; the product has no such switch.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from inference_worker.engine.backends import registry
from inference_worker.engine.backends.base import Backend
from inference_worker.engine.backends.onnxruntime import OnnxRuntimeBackend
from inference_worker.engine.backends.openvino import OpenVinoBackend
from inference_worker.engine.errors import (
    DeviceLost,
    InferenceFailed,
    LoadFailed,
    OutOfDeviceMemory,
)

RAISED = {
    "oom": OutOfDeviceMemory("no memory left on the card"),
    "error": InferenceFailed("the device gave nothing"),
    "bug": RuntimeError("a bug"),
    "lost": DeviceLost("an illegal address"),
}


WHITE = 255
"""Photos of nothing else hang the device, whichever it is."""


def order(name: str) -> str:
    """What the file of that backend says; nothing when all is well."""
    path = Path(os.environ["SHAKY"]) / name
    return path.read_text().strip() if path.exists() else ""


class Shaky(Backend):
    closed = 0
    ordered: str

    def __init__(self, *args: Any, **options: Any) -> None:
        self.ordered = getattr(self, "ordered", self.name)
        while order(self.ordered) == "stuck":
            time.sleep(0.02)
        if order(self.ordered) == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if order(self.ordered) == "load":
            raise LoadFailed("the runtime refuses it")
        super().__init__(*args, **options)
        self._born = time.time_ns()

    def warm_up(self) -> None:
        if order(self.ordered) == "warm-up":
            raise InferenceFailed("it does not get warm")
        super().warm_up()

    def forward(self, pixels: Any) -> Any:
        told = order(self.ordered)
        if told in RAISED:
            raise RAISED[told]
        if told == "hang" or (pixels == WHITE).all(axis=(1, 2, 3)).any():
            time.sleep(600)
        preds = super().forward(pixels)
        if told == "wrong" or (told == "worn" and self._is_older_than_the_order()):
            preds = preds[..., [0, 1, 2, 3, 5, 4, 6]]
        if told == "nan":
            preds = preds * np.float32("nan")
        return preds

    def _is_older_than_the_order(self) -> bool:
        path = Path(os.environ["SHAKY"]) / self.ordered
        return path.exists() and self._born < path.stat().st_mtime_ns

    def close(self) -> None:
        type(self).closed += 1
        super().close()


class Cuda(Shaky, OnnxRuntimeBackend):
    name = "cuda"


class OnnxRuntime(Shaky, OnnxRuntimeBackend):
    name = "onnxruntime"


class OpenVino(Shaky, OpenVinoBackend):
    name = "openvino"


def register() -> None:
    for kind in (Cuda, OnnxRuntime, OpenVino):
        registry.BACKENDS[kind.name] = f"{__name__}.{kind.__name__}"
