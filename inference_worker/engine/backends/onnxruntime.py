"""ONNX Runtime: CUDA where its provider loads, else the CPU."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.errors import (
    BackendUnavailable,
    InferenceFailed,
    LoadFailed,
)
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.types import FloatArray
from inference_worker.engine.visible import first_line

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"

# What fails is raised and told by whoever catches it; its own line would be a second.
_FATAL = 4

# TF32 rounds to 10 bits, and would not be the f32 that `precision` promises. Shapes
# vary, and an exhaustive search for each costs seconds.
_CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}

log = logging.getLogger(__name__)


class OnnxRuntimeBackend(Backend):
    """The graph as released, in f32: what it was compared with torch in. `int8` is for
    a quantised graph.

    `threads` None takes all cores; they do not spin while they wait, so that others
    on the machine can work. `provider` says where it really runs.
    """

    name = "onnxruntime"
    precision: str

    def __init__(
        self,
        manifest: Manifest,
        model: bytes,
        *,
        threads: int | None = None,
        precision: str | None = None,
    ) -> None:
        super().__init__(manifest)
        if precision not in (None, "f32", "int8"):
            raise LoadFailed(
                f"ONNX Runtime computes in f32 here, not in {precision}",
                "Leave --precision out, or take --backend openvino.",
            )
        self.precision = precision or "f32"
        self._session = _open(model, threads)
        self._input = input_name(self._session, manifest)
        self.provider: str = self._session.get_providers()[0]
        log.info("ONNX Runtime on the %s", "GPU" if self.provider == CUDA else "CPU")

    def forward(self, pixels: NDArray[np.uint8]) -> FloatArray:
        try:
            outputs = self._session.run(None, {self._input: _planes(pixels)})
        except Exception as error:
            raise InferenceFailed(f"ONNX Runtime: {first_line(error)}") from error
        return np.asarray(outputs[0], np.float32)


def _planes(pixels: NDArray[np.uint8]) -> FloatArray:
    """uint8 (n, h, w, c) to float32 (n, c, h, w) in 0..1, in one pass."""
    count, height, width, channels = pixels.shape
    planes = np.empty((count, channels, height, width), np.float32)
    scale = np.float32(1 / 255)
    return np.multiply(pixels.transpose(0, 3, 1, 2), scale, out=planes)


def _open(model: bytes, threads: int | None) -> Any:
    """On CUDA if that can be, else on the CPU, which is said unless GPUs are hidden."""
    ort = runtime()
    options = session_options(ort, threads)
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") == ""
    if CUDA in ort.get_available_providers() and not hidden:
        preload(ort)
        try:
            return open_session(ort, model, options, [(CUDA, _CUDA_OPTIONS), CPU])
        except LoadFailed as error:
            log.warning("no CUDA, taking the CPU: %s", error)
    return open_session(ort, model, options, [CPU])


def runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendUnavailable(
            f"ONNX Runtime is not installed or cannot start: {error}",
            "pip install -r requirements.txt",
        ) from error
    return onnxruntime


def open_session(ort: Any, model: bytes, options: Any, providers: list[Any]) -> Any:
    """Without its own fallback, which prints to stdout and says no more after that."""
    try:
        return ort.InferenceSession(model, options, providers, enable_fallback=0)
    # Its exceptions share no base but Exception.
    except Exception as error:
        raise LoadFailed(f"ONNX Runtime: {first_line(error)}") from error


def session_options(ort: Any, threads: int | None) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
    return options


def preload(ort: Any) -> None:
    """Find the CUDA and cuDNN that pip installed; what it prints goes to stderr."""
    if hasattr(ort, "preload_dlls"):
        with redirect_stdout(sys.stderr):
            ort.preload_dlls()


def input_name(session: Any, manifest: Manifest) -> str:
    """The graph's only input; LoadFailed when it is not what the manifest says."""
    source, *more = session.get_inputs()
    wanted = manifest.input.channels
    if more or len(source.shape) != 4 or source.shape[1] != wanted:
        raise LoadFailed(
            f"the graph takes {source.shape}, its manifest says {wanted} planes"
        )
    return str(source.name)
