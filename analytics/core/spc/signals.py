"""Signals of a one-sided sum, each from its last zero to its peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Floats
from analytics.core.spc.cusum import began, one_sided


@dataclass(frozen=True)
class Signal:
    """A sum above its limit: first point after the last zero, signal and peak.

    `ended`: it has fallen by the limit since; else it may be going on.
    """

    zero: int
    at: int
    peak: int
    ended: bool


def signals(scores: Floats, limit: float) -> tuple[list[Signal], Floats]:
    """Every signal in order, and the sums: they start anew after the peak of one."""
    sums = np.empty(scores.size)
    found: list[Signal] = []
    start = 0
    while start < scores.size:
        part = one_sided(scores[start:])
        sums[start:] = part
        over = np.flatnonzero(part > limit)
        if not over.size:
            break
        at = int(over[0])
        peak, ended = _peak(part, at, limit)
        zero = start + began(part, at)
        found.append(Signal(zero, start + at, start + peak, ended))
        start += peak + 1
    return found, sums


def _peak(sums: Floats, signal: int, limit: float) -> tuple[int, bool]:
    """The highest sum from the signal on, before it has fallen by `limit`."""
    after = sums[signal:]
    fallen = np.flatnonzero(np.maximum.accumulate(after) - after > limit)
    stop = int(fallen[0]) if fallen.size else after.size
    return signal + int(np.argmax(after[:stop])), bool(fallen.size)
