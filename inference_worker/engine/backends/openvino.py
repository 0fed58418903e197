"""OpenVINO on the CPU: what runs everywhere, and what every ladder ends on."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.backends.openvino_core import core, runtime, said
from inference_worker.engine.backends.openvino_int8 import for_openvino, is_quantised
from inference_worker.engine.backends.openvino_sums import signed_sums_saturate
from inference_worker.engine.errors import InferenceFailed, LoadFailed
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.precision import HINT, INT8, hinted
from inference_worker.engine.types import FloatArray


class OpenVinoBackend(Backend):
    """Batch, height and width stay dynamic: one compiled model for all shapes.

    `precision` is OpenVINO's own choice unless given: bf16 where the CPU has matrix
    units for it (measured five times as fast as f32 there), else f32. `int8` is for a
    quantised graph: what is float in it stays f32, which is faster there than bf16 by
    its side. Box coordinates are computed behind the last convolution, which stays f32.
    INFERENCE_PRECISION_HINT in the environment decides where nothing is given;
    `threads` None takes all cores.
    """

    name = "openvino"

    def __init__(
        self,
        manifest: Manifest,
        model: bytes,
        *,
        threads: int | None = None,
        precision: str | None = None,
    ) -> None:
        super().__init__(manifest)
        runtime()  # where it is missing that is said first
        quantised = precision == INT8
        floats = "f32" if quantised else precision or hinted()
        settings = _settings(threads, floats)
        try:
            if is_quantised(model):  # whatever it is called: import takes such files
                model = _unsigned(model, signed_sums_saturate())
            compiled = _compile(model, manifest, settings)
        except RuntimeError as error:
            raise LoadFailed(f"OpenVINO: {said(error)}") from error
        used = _short(compiled.get_property(HINT))
        self.precision = INT8 if quantised else used
        self._request = compiled.create_infer_request()

    def forward(self, pixels: NDArray[np.uint8]) -> FloatArray:
        try:
            outputs = self._request.infer({0: pixels}, share_inputs=True)
        except RuntimeError as error:
            raise InferenceFailed(f"OpenVINO: {said(error)}") from error
        return np.asarray(outputs[0], np.float32)


def _unsigned(model: bytes, signed_saturate: bool) -> bytes:
    try:
        return for_openvino(model, signed_saturate=signed_saturate)
    # protobuf, numpy and the graph itself: what is damaged fails anywhere.
    except Exception as error:
        raise LoadFailed(f"the int8 network cannot be read: {said(error)}") from error


def _compile(model: bytes, manifest: Manifest, settings: dict[str, Any]) -> Any:
    """The graph with scaling and the turn to planes built in, on the CPU.

    Inside the graph they cost nothing to speak of; in numpy, 3 ms a 640 image.
    """
    ov = runtime()
    graph = core().read_model(io.BytesIO(model))
    _check_input(graph, manifest)
    steps = ov.preprocess.PrePostProcessor(graph)
    source = steps.input()
    source.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    source.preprocess().convert_element_type(ov.Type.f32).scale(255.0)
    source.model().set_layout(ov.Layout("NCHW"))
    return core().compile_model(steps.build(), "CPU", settings)


def _check_input(graph: Any, manifest: Manifest) -> None:
    shape = graph.input().get_partial_shape()
    wanted = manifest.input.channels
    if shape.rank.get_length() != 4 or shape[1].get_length() != wanted:
        raise LoadFailed(f"the graph takes {shape}, its manifest says {wanted} planes")


def _settings(threads: int | None, precision: str | None) -> dict[str, Any]:
    """Threads are not pinned: two processes would be pinned to the same cores, and
    one of ours could not step aside for the web server.
    """
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
    }
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    if precision is not None:
        settings[HINT] = precision
    return settings


def _short(element_type: Any) -> str:
    """OpenVINO's element type as `f32`, `bf16` or `f16`."""
    return str(element_type.to_string())
