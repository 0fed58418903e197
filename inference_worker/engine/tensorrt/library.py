"""NVIDIA's Python bindings, or why there are none. Imported when TensorRT is wanted."""

from __future__ import annotations

from inference_worker.engine.errors import BackendUnavailable

try:
    import tensorrt as trt
except (ImportError, OSError) as error:
    raise BackendUnavailable(
        f"TensorRT is not installed or cannot start: {error}",
        "pip install -r requirements-gpu.txt, beside NVIDIA's driver 580 or newer: "
        "docs/gpu.md, Install.",
    ) from error

__all__ = ["trt"]
