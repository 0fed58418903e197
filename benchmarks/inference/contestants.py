"""Who is timed: PyTorch as the baseline, ONNX Runtime as is, and ours."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import cv2
import numpy as np

from benchmarks.inference.ours import Ours
from inference_worker.engine.api import load_folder
from inference_worker.engine.backends.cuda import CudaBackend
from inference_worker.engine.errors import EngineError
from inference_worker.engine.store import MODEL, open_folder
from traceability.demo.boards import draw_sample

BASELINE = "PyTorch eager f32"
QUALITY = 90


class Contestant(Protocol):
    """JPEG bytes to boxes, (n, 6) left, top, right, bottom, score, class, in one call;
    or reading and looking apart.
    """

    def __call__(self, jpegs: Sequence[bytes]) -> list[np.ndarray]: ...

    def read(self, jpegs: Sequence[bytes]) -> Any: ...

    def look(self, read: Any) -> list[np.ndarray]: ...


def jpegs(size: int, count: int) -> list[bytes]:
    """Drawn boards with planted defects, as a camera would send them."""
    drawn = []
    for seed in range(count):
        image = draw_sample(np.random.default_rng(seed), size).image
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        drawn.append(data.tobytes())
    return drawn


def on_card(args: argparse.Namespace, pool: ThreadPoolExecutor) -> dict[str, Any]:
    version = open_folder(args.model)
    model, manifest = version.read(MODEL), version.manifest
    from benchmarks.inference.torch_side import TorchSide

    side = partial(TorchSide, model, manifest, "cuda", pool)

    def cuda(precision: str) -> Ours:
        runner = CudaBackend(manifest, model, precision=precision)
        return Ours(runner, pool)

    def session() -> Ours:
        return Ours(load_folder(args.model, backend="onnxruntime").runner, pool)

    makers: dict[str, Callable[[], Contestant]] = {
        BASELINE: side,
        "ONNX Runtime CUDA f32": session,
        "ours, CUDA f32": partial(cuda, "f32"),
        "ours, CUDA f16": partial(cuda, "f16"),
    }
    if args.compiled:
        makers["PyTorch compiled f16"] = partial(side, half=True, compiled=True)
    return makers


def on_processor(args: argparse.Namespace, pool: ThreadPoolExecutor) -> dict[str, Any]:
    version = open_folder(args.model)
    from benchmarks.inference.torch_side import TorchSide

    def openvino(precision: str) -> Ours:
        found = load_folder(args.model, threads=args.threads, precision=precision)
        return Ours(found.runner, pool)

    side = partial(TorchSide, version.read(MODEL), version.manifest, "cpu", pool)
    return {
        BASELINE: side,
        "ours, OpenVINO f32": partial(openvino, "f32"),
        "ours, OpenVINO int8": partial(openvino, "int8"),
    }


def opened(makers: dict[str, Callable[[], Contestant]]) -> dict[str, Contestant]:
    ready = {}
    for name, make in makers.items():
        try:
            ready[name] = make()
        except (EngineError, ImportError, KeyError) as error:
            print(f"left out: {name}: {error}", flush=True)
    return ready
