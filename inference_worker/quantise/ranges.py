"""How large activations get on real images, by three methods at once."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto

from inference_worker.engine.types import FloatArray

Range = tuple[float, float]
Ranges = Mapping[str, Range]

METHODS = ("entropy", "percentile", "minmax")

_PERCENTILE = 99.99
_BINS = {"entropy": 128, "percentile": 2048}
_LEVELS = 128  # of a symmetric int8
_ERRORS_AND_WORSE = 3


def ranges_of(
    model: ModelProto, tensors: Sequence[str], inputs: Iterable[FloatArray]
) -> dict[str, Ranges]:
    """The range of each tensor by each of METHODS, in one pass over the inputs.

    Inputs are float32 (n, channels, height, width) in 0..1, and are let go of one by
    one. `entropy` clips where the 8-bit histogram tells least about the true one
    apart (as TensorRT's calibrator did), `percentile` at 99.99 % of magnitudes,
    `minmax` nowhere.
    """
    session = _showing(model, tensors)
    name = session.get_inputs()[0].name
    collectors = {method: _collector(method) for method in _BINS}
    widest: dict[str, Range] = {}
    for pixels in inputs:
        values = dict(
            zip(tensors, session.run(list(tensors), {name: pixels}), strict=True)
        )
        _widen(widest, values)
        for collector in collectors.values():
            with redirect_stdout(io.StringIO()):  # it reports every call
                collector.collect({key: [value] for key, value in values.items()})
    found = {method: _computed(one) for method, one in collectors.items()}
    return {**found, "minmax": widest}


def _showing(model: ModelProto, tensors: Sequence[str]) -> Any:
    """A session whose outputs are these tensors."""
    from onnxruntime import InferenceSession, SessionOptions

    shown = ModelProto()
    shown.CopyFrom(model)
    own = {one.name for one in shown.graph.output}
    for tensor in tensors:
        if tensor not in own:
            shown.graph.output.append(onnx.ValueInfoProto(name=tensor))
    options = SessionOptions()
    options.log_severity_level = _ERRORS_AND_WORSE
    return InferenceSession(
        shown.SerializeToString(), options, ["CPUExecutionProvider"]
    )


def _collector(method: str) -> Any:
    from onnxruntime.quantization.calibrate import HistogramCollector

    return HistogramCollector(
        method=method,
        symmetric=method == "percentile",
        num_bins=_BINS[method],
        num_quantized_bins=_LEVELS,
        percentile=_PERCENTILE,
        scenario="same",
    )


def _computed(collector: Any) -> Ranges:
    with redirect_stdout(io.StringIO()):
        found = collector.compute_collection_result()
    return {name: (float(one[0]), float(one[1])) for name, one in found.items()}


def _widen(widest: dict[str, Range], values: Mapping[str, NDArray[np.float32]]) -> None:
    for name, value in values.items():
        low, high = widest.get(name, (np.inf, -np.inf))
        widest[name] = (min(low, float(value.min())), max(high, float(value.max())))
