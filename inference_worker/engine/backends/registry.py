"""Which backends there are; a runtime is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.errors import BackendUnknown
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.precision import check_precision, hinted

_HERE = "inference_worker.engine.backends"

BACKENDS = {
    "openvino": f"{_HERE}.openvino.OpenVinoBackend",
    "onnxruntime": f"{_HERE}.onnxruntime.OnnxRuntimeBackend",
    "cuda": f"{_HERE}.cuda.CudaBackend",
    "tensorrt": f"{_HERE}.tensorrt.TensorRtBackend",
}

ON_PROCESSOR = ("openvino", "onnxruntime")
"""Those that run without a graphics card: what a new file is tried on."""


def open_backend(
    name: str,
    manifest: Manifest,
    model: bytes,
    *,
    threads: int | None = None,
    precision: str | None = None,
) -> Backend:
    """The model on that runtime, not yet warm; in the precision that is given, else
    hinted at, else told by the manifest, else the runtime's own choice.

    Raises BackendUnknown, BackendUnavailable, PrecisionUnknown or LoadFailed.
    """
    check_precision(precision)
    if name not in BACKENDS:
        known = ", ".join(sorted(BACKENDS))
        raise BackendUnknown(f"there is no backend {name!r}", f"Choose one of: {known}")
    if precision is None and hinted() is None:
        precision = manifest.precision
    module, _, kind = BACKENDS[name].rpartition(".")
    backend: Backend = getattr(import_module(module), kind)(
        manifest, model, threads=threads, precision=precision
    )
    return backend
