"""Cumulative sums: small lasting shifts add up until they are seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Bools, Floats
from analytics.core.spc.run_length import arl_of_cusum
from analytics.core.spc.variables import sigma_of_moving_range


@dataclass(frozen=True)
class Cusum:
    """Sums of what went beyond the allowance upwards and downwards, both >= 0.

    A signal is a sum above `limit`. `arl`: points between two false alarms, of both
    sides together, for independent normal values with this centre and sigma.
    """

    up: Floats
    down: Floats
    limit: float
    arl: float

    def outside(self) -> Bools:
        over: Bools = (self.up > self.limit) | (self.down > self.limit)
        return over


def cusum(
    values: Floats,
    k: float = 0.5,
    h: float = 5.0,
    centre: float | None = None,
    sigma: float | None = None,
) -> Cusum:
    """Tabular CUSUM, in sigmas: allowance `k`, limit `h` (Montgomery, section 9.1).

    `centre` and `sigma` default to the mean and short-term sigma of the values;
    `design_cusum` chooses `h` for a run length. Best against shifts of 2 k sigmas.
    """
    middle = float(values.mean()) if centre is None and values.size else centre or 0.0
    spread = sigma_of_moving_range(values) if sigma is None else sigma
    z = (values - middle) / spread if spread > 0.0 else np.zeros(values.size)
    return Cusum(one_sided(z - k), one_sided(-z - k), h, arl_of_cusum(k, h))


def one_sided(scores: Floats) -> Floats:
    """max(0, last + score) at each point, from zero."""
    total = np.cumsum(scores)
    lowest = np.minimum.accumulate(np.minimum(total, 0.0))
    sums: Floats = total - lowest
    return sums


def began(sums: Floats, at: int) -> int:
    """The first point after the last zero of `sums` at or before `at`.

    The maximum-likelihood place of the change that the sum tells of (Page 1954).
    """
    zeros = np.flatnonzero(sums[: at + 1] <= 0.0)
    return int(zeros[-1]) + 1 if zeros.size else 0
