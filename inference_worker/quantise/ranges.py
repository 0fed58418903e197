"""How large activations get on real images, by three methods."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto

from inference_worker.engine.types import FloatArray
from inference_worker.quantise.errors import QuantisationError

Range = tuple[float, float]
Ranges = Mapping[str, Range]
Counts = NDArray[np.float64]

METHODS = ("entropy", "percentile", "minmax")

_PERCENTILE = 0.9999
_ENTROPY_KEEPS = 0.999
_BINS = 2048  # that a clip is chosen from
_BITS = 16
_FINE = 2**_BITS  # that are counted, before the largest magnitude is known
_LEAST = 1e-30  # smaller magnitudes are as good as zero
_LEVELS = 128  # of magnitudes in a symmetric int8
_STEP = 16  # bins between the clips that entropy tries
_ERRORS_AND_WORSE = 3


def ranges_of(
    model: ModelProto,
    tensors: Sequence[str],
    inputs: Iterable[FloatArray],
    threads: int | None = None,
) -> dict[str, Ranges]:
    """The range of each tensor by each of METHODS.

    `inputs` are float32 (n, channels, height, width) in 0..1, taken one by one and only
    once. `entropy` clips where 128 levels tell least apart from the histogram of
    magnitudes (Migacz, 8-bit inference with TensorRT, GTC 2017), `percentile` at
    99.99 % of them, `minmax` nowhere. Raises QuantisationError for an activation that
    is infinite or no number.
    """
    session = _showing(model, tensors, threads)
    name = session.get_inputs()[0].name
    seen = {tensor: Seen() for tensor in tensors}
    for pixels in inputs:
        for tensor, value in _values(session, tensors, name, pixels):
            if not seen[tensor].add(value):
                raise QuantisationError(
                    f"{tensor}: the model computes numbers that are not finite there",
                    "It may be broken, or made for inputs other than 0 to 1.",
                )
    clips = {"entropy": entropy_clip, "percentile": percentile_clip, "minmax": len}
    return {
        method: {tensor: seen[tensor].clipped(clips[method]) for tensor in tensors}
        for method in METHODS
    }


class Seen:
    """What was seen of one tensor: its extremes, and how often each magnitude occurred.

    Fine bins as wide as a power of two double when larger magnitudes come, so the same
    images give the same counts in any order; more than half of them are used.
    """

    def __init__(self) -> None:
        self._extremes: Range = (math.inf, -math.inf)
        self._counts, self._width = np.zeros(_FINE), 0.0

    def add(self, value: FloatArray) -> bool:
        """False, and nothing is added, where not all of it are finite numbers.

        Exact zeros are not counted: a ReLU gives as many as it likes, and every level
        of int8 has them right.
        """
        low, high = float(value.min()), float(value.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            return False
        self._extremes = min(self._extremes[0], low), max(self._extremes[1], high)
        self._make_room(max(-low, high))
        if self._width:
            bins = (np.abs(value) / np.float32(self._width)).astype(np.int32)
            self._counts += np.bincount(bins.reshape(-1), minlength=_FINE)
            self._counts[0] -= value.size - np.count_nonzero(value)
        return True

    def clipped(self, clip: Callable[[Counts], int]) -> Range:
        """The extremes, cut where `clip` says how many of _BINS bins to keep."""
        low, high = self._extremes
        if not self._width:
            return low, high
        most = max(-low, high)
        kept = clip(self._coarse(most)) * most / _BINS
        return max(low, -kept), min(high, kept)

    def _coarse(self, most: float) -> Counts:
        """In _BINS bins from zero to the largest; one between two of them is shared."""
        below = np.concatenate([[0.0], np.cumsum(self._counts)])
        places = np.linspace(0.0, most / self._width, _BINS + 1)
        counted = np.interp(places, np.arange(len(below)), below)
        counted[-1] = below[-1]  # the largest begins a fine bin of its own
        return np.diff(counted)

    def _make_room(self, most: float) -> None:
        if most < _LEAST:
            return
        width = 2.0 ** (math.frexp(most)[1] - _BITS)
        if not self._width:
            self._width = width
        if width > self._width:
            into = (np.arange(_FINE) * (self._width / width)).astype(np.int32)
            self._counts = np.bincount(into, self._counts, _FINE)
            self._width = width


def entropy_clip(counts: Counts) -> int:
    """How many of the bins of magnitudes to keep: those whose 128 levels lose the least
    information (Kullback-Leibler) when all beyond is put into the last bin.

    All of them are tried too, and never is more than 0.1 % of what was counted beyond:
    where a scan has two levels, both are the image and none is an outlier.
    """
    least = max(_LEVELS, _holding(counts, _ENTROPY_KEEPS))
    tried: list[int] = [len(counts), *range(least, len(counts), _STEP)]
    return min(tried, key=lambda kept: _divergence(counts, kept))


def percentile_clip(counts: Counts) -> int:
    """How many of the bins of magnitudes hold 99.99 % of what was counted."""
    return _holding(counts, _PERCENTILE)


def _holding(counts: Counts, share: float) -> int:
    """The fewest bins, from zero on, that hold this share of what was counted."""
    held = np.cumsum(counts) / max(1.0, counts.sum())
    return min(len(counts), 1 + int((held < share).sum()))


def _divergence(counts: Counts, kept: int) -> float:
    """Of the clipped histogram from what 128 levels make of it."""
    real = counts[:kept].copy()
    real[-1] += counts[kept:].sum()
    starts = np.arange(_LEVELS) * kept // _LEVELS
    level = np.searchsorted(starts, np.arange(kept), side="right") - 1
    used = real > 0
    totals = np.bincount(level, counts[:kept], _LEVELS)
    sharing = np.maximum(1, np.bincount(level, used, _LEVELS))
    rounded = np.where(used, (totals / sharing)[level], 0.0)
    if not rounded.any():
        return np.inf
    p, q = real / real.sum(), rounded / rounded.sum()
    where = p > 0
    return float((p[where] * np.log(p[where] / np.maximum(q[where], 1e-9))).sum())


def _values(
    session: Any, tensors: Sequence[str], name: str, pixels: FloatArray
) -> Iterable[tuple[str, FloatArray]]:
    return zip(tensors, session.run(list(tensors), {name: pixels}), strict=True)


def _showing(model: ModelProto, tensors: Sequence[str], threads: int | None) -> Any:
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
    options.intra_op_num_threads = threads or 0  # 0: all
    return InferenceSession(
        shown.SerializeToString(), options, ["CPUExecutionProvider"]
    )
