"""Opens a model with ONNX Runtime and runs it once, in the child."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.visible import first_line
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.frames import DTYPES, Arrays

_FATAL = 4
_MOST_SHOWN = 200
_SHORTAGE = (
    "bad_alloc",
    "bad allocation",
    "Failed to allocate",
    "Cannot allocate memory",
    "out of memory",
)


def run(model: bytes, feeds: Arrays, most: int) -> dict[str, NDArray[Any]]:
    """All outputs, `most` bytes together. Raises ModelRefused, MemoryError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    try:
        session = onnxruntime.InferenceSession(
            model, options, ["CPUExecutionProvider"], enable_fallback=0
        )
        found = session.run(None, dict(feeds))
    except MemoryError:
        raise
    # Its exceptions share no base but Exception.
    except Exception as error:
        raise _failed(error) from error
    names = [output.name for output in session.get_outputs()]
    return bounded(dict(zip(names, found, strict=True)), most)


def bounded(outputs: dict[str, Any], most: int) -> dict[str, NDArray[Any]]:
    """The same; ModelRefused for what is no array, or more than `most` bytes."""
    for name, output in outputs.items():
        if not isinstance(output, np.ndarray) or str(output.dtype) not in DTYPES:
            text = f"output {name!r} is not an array of numbers"
            raise ModelRefused(Reason.ELEMENT_TYPE, text)
    size = sum(output.nbytes for output in outputs.values())
    if size > most:
        text = f"its outputs have {size:,} bytes, {most:,} are taken"
        raise ModelRefused(Reason.OUTPUT_TOO_LARGE, text)
    return outputs


def is_shortage(text: str) -> bool:
    """Runtimes wrap what the allocator threw."""
    return any(sign in text for sign in _SHORTAGE)


def _failed(error: Exception) -> ModelRefused:
    text = first_line(error)[:_MOST_SHOWN]
    if is_shortage(text):
        return ModelRefused(Reason.OUT_OF_MEMORY, f"ONNX Runtime: {text}")
    return ModelRefused(Reason.RUN_FAILED, f"ONNX Runtime: {text}")
