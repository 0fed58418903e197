"""Did a defect rate rise? A CUSUM of defectives with a stated run length.

One stretch of time after the other, the defectives beyond what the baseline allows are
added up. The baseline comes from the data themselves, without the stretches of the
rises, and so does the spread between stretches. After a rise the sum starts again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analytics.core.arrays import Bools, Floats
from analytics.core.spc.counts import dispersed
from analytics.core.spc.design import solve_limit
from analytics.core.spc.dispersion import dispersion as dispersion_of
from analytics.core.spc.run_length import arl_of_scores
from analytics.core.spc.signals import Signal, signals

DEFAULT_ARL = 1000.0
BLOCKS = 12
ROUNDS = 8
SIZES = 9
"""Stretches of different sizes are represented by this many quantiles."""
LEAST_QUIET = 0.3
"""Share of what was expected that must stay outside the rises to be a baseline."""


@dataclass(frozen=True)
class Rise:
    """Stretches `onset`..`last` had a raised rate; the chart signalled at `signal`.

    All are indices of stretches. The onset lies in `onset_low`..`onset_high` with 95 %
    (each place equally likely before, Smith 1975). `ratio`: to the baseline. `ongoing`:
    the sum had not come down again at the end of the series.
    """

    onset: int
    onset_low: int
    onset_high: int
    signal: int
    last: int
    ratio: float
    ongoing: bool


@dataclass(frozen=True)
class Detection:
    """The chart and what it found. `arl`: stretches between two false alarms.

    `sums` and `limit` are in defectives; `baseline` is the share defective in control,
    `dispersion` the variance of its counts over that of chance alone.
    """

    sums: Floats
    limit: float
    arl: float
    baseline: float
    dispersion: float
    rises: tuple[Rise, ...]

    @property
    def current(self) -> Rise | None:
        """The rise that had not ended."""
        last = self.rises[-1] if self.rises else None
        return last if last is not None and last.ongoing else None

    def to_json(self) -> dict[str, Any]:
        """Figures without the sums; indices stay indices of stretches."""
        return {
            "limit": self.limit,
            "arl": self.arl,
            "baseline": self.baseline,
            "dispersion": self.dispersion,
            "rises": [vars(rise) for rise in self.rises],
        }


def detect_excursion(
    n: Floats,
    defective: Floats,
    arl: float = DEFAULT_ARL,
    ratio: float = 2.0,
    *,
    baseline: float | None = None,
    dispersion: float | None = None,
) -> Detection:
    """Rises of the share defective over stretches in order of time.

    :param n: inspected units of each stretch. :param defective: those with the defect.
    :param arl: stretches between two false alarms.
    :param ratio: the smallest rise that matters; larger ones are seen sooner.
    :param baseline, dispersion: where they are known; else from the data, and `arl`
        is then not exact: spread that lasts several stretches alarms up to twice as
        often, chance alone less often (`benchmarks/attribution/rise_alarms.py`).
    """
    share = _typical(n, defective) if baseline is None else baseline
    spread = dispersion_of(n, defective, share) if dispersion is None else dispersion
    found = _with(n, defective, arl, ratio, share, spread)
    for _round in range(ROUNDS):
        before = share, spread
        quiet = _quiet(n, found.rises)
        if baseline is None:
            share = _share(n[quiet], defective[quiet])
        if dispersion is None:
            spread = min(spread, dispersion_of(n[quiet], defective[quiet], share))
        if (share, spread) == before:
            break
        found = _with(n, defective, arl, ratio, share, spread)
    return found


def _with(
    n: Floats,
    defective: Floats,
    arl: float,
    ratio: float,
    share: float,
    dispersion: float,
) -> Detection:
    """The chart at a given baseline and dispersion."""
    nothing = Detection(np.zeros(n.size), math.inf, arl, share, dispersion, ())
    if not n.sum() or share <= 0.0:
        return nothing
    allowance = (ratio - 1.0) / math.log(ratio)
    expected = n * share
    limit, got = _limit(expected, allowance, dispersion, arl)
    scores = defective - allowance * expected
    found, sums = signals(scores, limit)
    rises: list[Rise] = []
    for signal in found:
        free = rises[-1].last + 1 if rises else 0
        rise = _timed(signal, free, defective, expected, dispersion)
        seen = rise.onset + int(np.argmax(sums[rise.onset :] > limit))
        rises.append(replace(rise, signal=seen))
    return replace(nothing, sums=sums, limit=limit, arl=got, rises=tuple(rises))


def _limit(
    expected: Floats, allowance: float, dispersion: float, arl: float
) -> tuple[float, float]:
    """The limit for this run length, and the run length it has."""
    means = np.quantile(expected, (np.arange(SIZES) + 0.5) / SIZES)
    kinds, weights = np.unique(means.round(9), return_counts=True)
    counts = [dispersed(float(mean), dispersion) for mean in kinds]
    scores = [
        np.arange(c.size) - allowance * mean
        for c, mean in zip(counts, kinds, strict=True)
    ]
    every = np.concatenate(scores)
    chances = np.concatenate(
        [c * weight for c, weight in zip(counts, weights / SIZES, strict=True)]
    )
    limit = solve_limit(lambda h: arl_of_scores(every, chances, h), arl)
    return limit, arl_of_scores(every, chances, limit)


def _timed(
    signal: Signal, free: int, defective: Floats, expected: Floats, dispersion: float
) -> Rise:
    """The rise of a signal: its onset and ratio are those of largest likelihood.

    The onset is looked for from some stretches before the last zero (from `free` on at
    the earliest) to the peak; the ratio is fitted for each place.
    """
    first = max(signal.zero - BLOCKS, free, 0)
    inside = slice(first, signal.peak + 1)
    found = np.cumsum(defective[inside][::-1])[::-1]
    usual = np.maximum(np.cumsum(expected[inside][::-1])[::-1], 1e-9)
    log_ratio = np.log(np.maximum(found, 1e-9) / usual)
    gains = np.where(log_ratio > 0.0, found * log_ratio - (found - usual), 0.0)
    weights = np.exp((gains - gains.max()) / dispersion)
    low, high = np.searchsorted(np.cumsum(weights / weights.sum()), [0.025, 0.975])
    best = int(np.argmax(weights))
    return Rise(
        onset=first + best,
        onset_low=first + min(int(low), best),
        onset_high=first + max(min(int(high), weights.size - 1), best),
        signal=signal.at,
        last=signal.peak,
        ratio=float(found[best] / usual[best]),
        ongoing=not signal.ended,
    )


def _typical(n: Floats, defective: Floats) -> float:
    """Median share of blocks of equal size: half of the series may be raised."""
    running = np.cumsum(n)
    total = float(running[-1]) if n.size else 0.0
    if not total:
        return 0.0
    blocks = min(BLOCKS, n.size)
    block = np.minimum((running - n / 2.0) * blocks // total, blocks - 1).astype(int)
    seen = np.bincount(block, weights=n, minlength=blocks)
    found = np.bincount(block, weights=defective, minlength=blocks)
    share = float(np.median(found[seen > 0] / seen[seen > 0]))
    return share or _share(n, defective)


def _quiet(n: Floats, rises: tuple[Rise, ...]) -> Bools:
    """Stretches outside the rises; all where too few would be left."""
    quiet = np.ones(n.size, dtype=bool)
    for rise in rises:
        quiet[rise.onset : rise.last + 1] = False
    enough = float(n[quiet].sum()) >= LEAST_QUIET * float(n.sum())
    return quiet if enough else np.ones(n.size, dtype=bool)


def _share(n: Floats, defective: Floats) -> float:
    total = float(n.sum())
    return float(defective.sum()) / total if total else 0.0
