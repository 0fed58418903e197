"""Did one reading drift, since when, and is the process still capable?

Shown beside a suspected parameter: what the charts of its readings say by themselves,
without looking at any defect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from analytics.core.arrays import Floats
from analytics.core.population import timestamp
from analytics.core.rounding import plain, plain_time
from analytics.core.spc import (
    Capability,
    Signal,
    capability,
    design_cusum,
    design_ewma,
    ewma,
    nelson,
    share_outside,
    signals,
)
from analytics.core.steady import blocks, steady

LEAST_READINGS = 30
ARL = 10_000.0
"""Points between two false alarms, of the CUSUM and of the EWMA each."""
ALLOWANCE = 0.5
WEIGHT = 0.1
BEFORE = 20
"""Points before the last zero in which the onset is looked for."""


@dataclass(frozen=True)
class Move:
    """The largest departure from the baseline that the CUSUM signalled.

    `direction`: "up" or "down"; `shift`: mean since the onset in sigmas. The onset is
    in `onset_low`..`onset_high` with 95 %, for a step or a ramp. `rules`: Nelson's that
    fired since. `ewma_signal` is None where the EWMA did not signal since. Seconds.
    """

    direction: str
    shift: float
    ongoing: bool
    onset: float
    onset_low: float
    onset_high: float
    cusum_signal: float
    ewma_signal: float | None
    rules: tuple[int, ...]


@dataclass(frozen=True)
class Drift:
    """What the charts say of one series of readings.

    `centre`, `sigma`, `correlation`: see `steady`. `arl`: points between two false
    alarms of each chart. `changes`: change points in seconds. `outside`: share 0..1 of
    the readings beyond the specification limits.
    """

    readings: int
    centre: float
    sigma: float
    correlation: float
    arl: float
    move: Move | None
    changes: tuple[float, ...]
    capability: Capability | None
    outside: float

    def to_json(self) -> dict[str, Any]:
        said = dict(vars(self))
        said["changes"] = [_text(at) for at in self.changes]
        said["capability"] = self.capability and self.capability.to_json()
        if self.move is not None:
            times = {name: _text(vars(self.move)[name]) for name in TIMES}
            said["move"] = {**vars(self.move), **times}
        drawn: dict[str, Any] = plain(said)
        return drawn


TIMES = ("onset", "onset_low", "onset_high", "cusum_signal", "ewma_signal")


def drift_of(
    values: Floats, at: Floats, lower: float | None = None, upper: float | None = None
) -> Drift | None:
    """The drift of the readings of one machine; None below thirty of them.

    :param values: finite readings in order of `at` (seconds). `lower` and `upper` are
        the specification limits, where there are any.
    """
    if values.size < LEAST_READINGS:
        return None
    points, starts = blocks(values)
    calm = steady(points)
    times = at[starts]
    z = np.zeros(points.size)
    if calm.sigma > 0.0:
        z = (points - calm.centre) / calm.sigma
    return Drift(
        readings=int(values.size),
        centre=calm.centre,
        sigma=calm.sigma,
        correlation=calm.correlation,
        arl=ARL,
        move=_largest_move(z, times),
        changes=tuple(float(times[place]) for place in calm.changes),
        capability=capability(values, lower, upper),
        outside=share_outside(values, lower, upper),
    )


def _largest_move(z: Floats, times: Floats) -> Move | None:
    """The signal with the highest peak, up or down."""
    limit, width = _limits()
    found: list[tuple[float, int, Signal]] = []
    for sign in (1, -1):
        told, sums = signals(sign * z - ALLOWANCE, limit)
        found += [(float(sums[signal.peak]), sign, signal) for signal in told]
    if not found:
        return None
    _highest, sign, signal = max(found, key=lambda each: (each[0], -each[2].at))
    low, onset, high = onset_of(sign * z, signal)
    averages = np.flatnonzero(ewma(z, WEIGHT, width, 0.0, 1.0).outside()[onset:])
    fired = nelson(z)
    return Move(
        direction="up" if sign > 0 else "down",
        shift=float(z[onset : signal.peak + 1].mean()),
        ongoing=not signal.ended,
        onset=float(times[onset]),
        onset_low=float(times[low]),
        onset_high=float(times[high]),
        cusum_signal=float(times[max(signal.at, onset)]),
        ewma_signal=float(times[onset + averages[0]]) if averages.size else None,
        rules=tuple(rule for rule, flags in fired.items() if flags[onset:].any()),
    )


def onset_of(z: Floats, signal: Signal) -> tuple[int, int, int]:
    """First, likeliest and last place where a rise to the signal's peak began.

    For each place a step and a ramp to the peak are fitted by least squares; the
    places are weighted by their likelihood (Smith 1975) and the central 95 % kept.
    """
    first = max(signal.zero - BEFORE, 0)
    back = z[first : signal.peak + 1][::-1]
    length = np.arange(1.0, back.size + 1)
    step = np.maximum(np.cumsum(back), 0.0) ** 2 / (2.0 * length)
    steepness = np.maximum(np.cumsum(np.cumsum(back)), 0.0)
    squares = length * (length + 1.0) * (2.0 * length + 1.0) / 6.0
    ramp = steepness**2 / (2.0 * squares)
    top = max(float(step.max()), float(ramp.max()))
    weights = (np.exp(step - top) + np.exp(ramp - top))[::-1]
    running = np.cumsum(weights / weights.sum())
    best = int(np.argmax(weights))
    low, high = np.searchsorted(running, [0.025, 0.975])
    last = first + min(max(int(high), best), weights.size - 1)
    return first + min(int(low), best), first + best, last


@lru_cache(maxsize=1)
def _limits() -> tuple[float, float]:
    """Limit of the CUSUM and width of the EWMA for the stated run length."""
    return design_cusum(ARL, ALLOWANCE), design_ewma(ARL, WEIGHT)


def _text(at: float | None) -> str | None:
    return None if at is None else plain_time(timestamp(at))
