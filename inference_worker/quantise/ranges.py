"""How large activations get on real images, by three methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto

from inference_worker.engine.types import FloatArray

Range = tuple[float, float]
Ranges = Mapping[str, Range]
Counts = NDArray[np.float64]

METHODS = ("entropy", "percentile", "minmax")

_PERCENTILE = 0.9999
_BINS = 2048
_LEVELS = 128  # of magnitudes in a symmetric int8
_STEP = 16  # bins between the clips that entropy tries
_ERRORS_AND_WORSE = 3


def ranges_of(
    model: ModelProto,
    tensors: Sequence[str],
    inputs: Callable[[], Iterable[FloatArray]],
) -> dict[str, Ranges]:
    """The range of each tensor by each of METHODS.

    `inputs` gives float32 (n, channels, height, width) in 0..1; it is asked twice, for
    the extremes and for histograms of magnitudes within them. `entropy` clips where 128
    levels tell least apart from the histogram (Migacz, 8-bit inference with TensorRT,
    GTC 2017), `percentile` at 99.99 % of magnitudes, `minmax` nowhere.
    """
    session = _showing(model, tensors)
    name = session.get_inputs()[0].name
    extremes: dict[str, Range] = {}
    for pixels in inputs():
        for tensor, value in _values(session, tensors, name, pixels):
            low, high = extremes.get(tensor, (np.inf, -np.inf))
            low, high = min(low, float(value.min())), max(high, float(value.max()))
            extremes[tensor] = low, high
    counts = {tensor: np.zeros(_BINS) for tensor in tensors}
    for pixels in inputs():
        for tensor, value in _values(session, tensors, name, pixels):
            counts[tensor] += _histogram(value, extremes[tensor])
    clips = {"entropy": entropy_clip, "percentile": percentile_clip}
    found: dict[str, Ranges] = {
        method: {
            tensor: _clipped(extremes[tensor], clip(counts[tensor]) / _BINS)
            for tensor in tensors
        }
        for method, clip in clips.items()
    }
    return {**found, "minmax": extremes}


def entropy_clip(counts: Counts) -> int:
    """How many of the bins of magnitudes to keep: those whose 128 levels lose the least
    information (Kullback-Leibler) when all beyond is put into the last bin.
    """
    tried = range(_LEVELS, len(counts) + 1, _STEP)
    return min(tried, key=lambda kept: _divergence(counts, kept))


def percentile_clip(counts: Counts) -> int:
    """How many of the bins of magnitudes hold 99.99 % of what was counted."""
    share = np.cumsum(counts) / max(1.0, counts.sum())
    return min(len(counts), 1 + int((share < _PERCENTILE).sum()))


def _divergence(counts: Counts, kept: int) -> float:
    """Of the clipped histogram from what 128 levels make of it."""
    real = counts[:kept].copy()
    real[-1] += counts[kept:].sum()
    starts = np.arange(_LEVELS) * kept // _LEVELS
    level = np.searchsorted(starts, np.arange(kept), side="right") - 1
    used = counts[:kept] > 0
    totals = np.bincount(level, counts[:kept], _LEVELS)
    sharing = np.maximum(1, np.bincount(level, used, _LEVELS))
    rounded = np.where(used, (totals / sharing)[level], 0.0)
    if not rounded.any():
        return np.inf
    p, q = real / real.sum(), rounded / rounded.sum()
    where = p > 0
    return float((p[where] * np.log(p[where] / np.maximum(q[where], 1e-9))).sum())


def _histogram(value: FloatArray, extremes: Range) -> Counts:
    """Of magnitudes but for exact zeros: a ReLU gives as many as it likes, and every
    level of int8 has them right.
    """
    most = max(abs(extremes[0]), abs(extremes[1])) or 1.0
    sizes = np.abs(value[value != 0])
    return np.histogram(sizes, _BINS, (0.0, most))[0].astype(np.float64)


def _clipped(extremes: Range, share: float) -> Range:
    most = share * max(abs(extremes[0]), abs(extremes[1]))
    return max(extremes[0], -most), min(extremes[1], most)


def _values(
    session: Any, tensors: Sequence[str], name: str, pixels: FloatArray
) -> Iterable[tuple[str, FloatArray]]:
    return zip(tensors, session.run(list(tensors), {name: pixels}), strict=True)


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
