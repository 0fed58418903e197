"""Choose a chart's limit for a wanted average run length between false alarms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from analytics.core.arrays import Floats, Ints
from analytics.core.spc.counts import binomial
from analytics.core.spc.cusum import one_sided
from analytics.core.spc.run_length import (
    arl_of_cusum,
    arl_of_ewma,
    arl_of_lattice,
    arl_of_scores,
)

CLOSE = 1e-3
STEPS = 60
NEVER = 1e-16
FINEST = 20
"""Largest denominator of an allowance that is not below a tenth of a defective."""
FINEST_EXACT = 300
"""Beyond it, a run length by rounded states (wrong by a few percent) is quicker."""


def design_ewma(arl: float, weight: float = 0.1, *, widening: bool = True) -> float:
    """The `width` of EWMA limits that gives this run length in control."""
    return solve_limit(lambda width: arl_of_ewma(weight, width, widening=widening), arl)


def design_cusum(arl: float, k: float = 0.5, *, two_sided: bool = True) -> float:
    """The `h` of a tabular CUSUM that gives this run length in control."""
    return solve_limit(lambda h: arl_of_cusum(k, h, two_sided=two_sided), arl)


@dataclass(frozen=True)
class CountCusum:
    """A CUSUM of defectives in samples of `n`: signals above `limit`.

    At each sample the defectives less `allowance` are added. `arl`: samples between
    two false alarms at the share it was designed for.
    """

    n: int
    allowance: float
    limit: float
    arl: float

    def sums(self, defective: Floats) -> Floats:
        """The statistic at each sample; rounding never decides about the limit."""
        return one_sided(defective - self.allowance)

    def outside(self, defective: Floats) -> Floats:
        beyond = self.sums(defective) > self.limit
        return beyond.astype(np.float64)


def design_binomial_cusum(
    n: int, share: float, arl: float, ratio: float = 2.0
) -> CountCusum:
    """The CUSUM that sees a share defective `ratio` times `share` soonest.

    `n` = 1 is the Bernoulli CUSUM (Reynolds and Stoumbos 1999), more the binomial one
    (Gan 1993). The allowance is rounded to a fraction so that the sums are multiples
    of its denominator and the run length is exact; it is at least `arl`.
    """
    allowance = _simple(n * allowed_share(share, ratio))
    fine = allowance.denominator
    chances = binomial(n, share)
    likely: Ints = np.flatnonzero(chances > NEVER).astype(np.int64)
    if fine > FINEST_EXACT:
        return _by_rounding(n, float(allowance), arl, chances)
    scores: Ints = likely * fine - allowance.numerator
    states = _least(lambda size: arl_of_lattice(scores, chances[likely], size), arl)
    got = arl_of_lattice(scores, chances[likely], states)
    return CountCusum(n, float(allowance), (states - 0.5) / fine, got)


def _simple(allowance: float) -> Fraction:
    """A fraction within a few percent whose denominator is small."""
    if allowance < 0.1:
        return Fraction(1, round(1.0 / allowance))
    return Fraction(allowance).limit_denominator(FINEST)


def allowed_share(share: float, ratio: float) -> float:
    """Share between `share` and `ratio` times it: the likelihood ratio's zero."""
    if not 0.0 < share < ratio * share < 1.0:
        raise ValueError("the share must be above 0 and, raised, below 1")
    good = math.log((1.0 - share) / (1.0 - ratio * share))
    return good / (good + math.log(ratio))


def _by_rounding(n: int, allowance: float, arl: float, chances: Floats) -> CountCusum:
    scores: Floats = np.arange(chances.size, dtype=np.float64) - allowance
    limit = solve_limit(lambda h: arl_of_scores(scores, chances, h), arl)
    return CountCusum(n, allowance, limit, arl_of_scores(scores, chances, limit))


def solve_limit(run_length: Callable[[float], float], arl: float) -> float:
    """The limit at which a run length that grows with it is `arl`.

    The logarithm of a run length is nearly straight, so a false position converges
    in a few steps (Illinois: Dowell and Jarratt 1971).
    """
    aim = math.log(arl)
    low, high = 1e-3, 1.0
    below, above = -aim, math.log(run_length(high)) - aim
    while above < 0.0:
        low, below = high, above
        high *= 2.0
        above = math.log(run_length(high)) - aim
    side = 0
    for _step in range(STEPS):
        middle = high - above * (high - low) / (above - below)
        off = math.log(run_length(middle)) - aim
        if abs(off) < CLOSE:
            return middle
        if off > 0.0:
            high, above = middle, off
            below, side = (below / 2.0 if side > 0 else below), 1
        else:
            low, below = middle, off
            above, side = (above / 2.0 if side < 0 else above), -1
    return high


def _least(run_length: Callable[[int], float], arl: float) -> int:
    """The smallest number of states whose run length is at least `arl`."""
    high = 2
    while run_length(high) < arl:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if run_length(middle) < arl:
            low = middle
        else:
            high = middle
    return high
