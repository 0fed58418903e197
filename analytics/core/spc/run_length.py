"""Average run length: points until a chart signals, from a Markov chain.

Brook and Evans (1972), Biometrika 59: the statistic is rounded to states; the expected
number of steps before it leaves them solves a linear system. In control (`shift` 0)
it is the distance between false alarms. Checked against published values in the tests
and against simulation by `benchmarks/attribution/run_length.py`.
"""

from __future__ import annotations

import math

import numpy as np

from analytics.core.arrays import Floats, Ints, group_sums
from analytics.core.spc.normal import normal_below

STATES = 201
FEWER = 101
"""States for discrete scores, which are not smooth anyway."""
NODES = 64
ROOT_2_PI = math.sqrt(2.0 * math.pi)
FEWER = 101
"""States for discrete scores, which are not smooth anyway."""
NODES = 64
ROOT_2_PI = math.sqrt(2.0 * math.pi)
SETTLED = 1e-4
"""EWMA limits within this share of their end are taken as there."""


def arl_of_three_sigmas(width: float = 3.0, shift: float = 0.0) -> float:
    """Run length of a Shewhart chart of normal values, limits `width` sigmas away."""
    tails = normal_below(np.array([-width - shift, -width + shift]))
    return 1.0 / float(tails.sum())


def arl_of_cusum(
    k: float, h: float, shift: float = 0.0, *, two_sided: bool = True
) -> float:
    """Run length of a tabular CUSUM of standard normal values moved by `shift`.

    Both sides together as in Montgomery, section 9.1 (Kemp 1961).
    """
    up = _one_side(k, h, shift)
    if not two_sided:
        return up
    return 1.0 / (1.0 / up + 1.0 / _one_side(k, h, -shift))


def _one_side(k: float, h: float, shift: float) -> float:
    width = 2.0 * h / (2 * STATES - 1)
    steps = (np.arange(-STATES, STATES, dtype=np.float64) + 0.5) * width
    below = normal_below(steps + (k - shift))
    to, start = np.arange(STATES)[None, :], np.arange(STATES)[:, None]
    stays = below[to - start + STATES] - below[to - start + STATES - 1]
    stays[:, 0] = below[STATES - np.arange(STATES)]
    return float(steps_to_leave(stays)[0])


def arl_of_ewma(
    weight: float, width: float, shift: float = 0.0, *, widening: bool = True
) -> float:
    """Run length of an EWMA of standard normal values moved by `shift`.

    `width`: limits in sigmas of the EWMA. `widening`: the limits start narrow and
    widen as `spc.ewma` draws them; else they are at their end from the first point on,
    as Lucas and Saccucci (1990) tabulate them. Solves the integral equation of Crowder
    (1987) at Gauss-Legendre points, which needs fewer of them than states.
    """
    end = width * math.sqrt(weight / (2.0 - weight))
    nodes, shares = np.polynomial.legendre.leggauss(NODES)
    limits: Floats = np.full(1, end)
    if widening:
        limits = end * np.sqrt(1.0 - (1.0 - weight) ** (2 * _ages(weight)))

    def moves(start: Floats, there: float) -> Floats:
        away = (there * nodes - (1.0 - weight) * start[:, None]) / weight - shift
        return np.exp(-0.5 * away * away) * shares * (there / (weight * ROOT_2_PI))

    left = steps_to_leave(moves(end * nodes, end))
    for here, there in zip(limits[-2::-1], limits[:0:-1], strict=True):
        left = 1.0 + moves(here * nodes, there) @ left
    return 1.0 + float((moves(np.zeros(1), float(limits[0])) @ left)[0])


def _ages(weight: float) -> Floats:
    """Points 1, 2, … until the limits have settled."""
    if weight >= 1.0:
        return np.ones(1)
    many = math.ceil(math.log(SETTLED) / (2.0 * math.log1p(-weight)))
    return np.arange(1.0, max(many, 1) + 2.0)


def arl_of_scores(scores: Floats, chances: Floats, h: float) -> float:
    """Run length of max(0, sum of scores) > h for independent discrete scores.

    A score between two states goes to both in the shares that keep its mean. Exact
    where scores are multiples of `2 h / (2 m - 1)`, m the number of states.
    """
    return float(steps_to_leave(_score_steps(scores, chances, h, FEWER))[0])


def arl_of_lattice(scores: Ints, chances: Floats, states: int) -> float:
    """Exact run length for whole-numbered scores: a signal at `states` or above."""
    moves = _score_steps(scores.astype(np.float64), chances, states - 0.5, states)
    return float(steps_to_leave(moves)[0])


def _score_steps(scores: Floats, chances: Floats, h: float, states: int) -> Floats:
    width = 2.0 * h / (2 * states - 1)
    at = np.maximum(np.arange(states)[:, None] + scores[None, :] / width, 0.0)
    floor = np.floor(at + 1e-9)
    upper = np.clip(at - floor, 0.0, 1.0)
    low = np.minimum(floor, states).astype(np.int64)
    high = np.minimum(low + 1, states)
    row = (states + 1) * np.arange(states)[:, None]
    size = states * (states + 1)
    moves = group_sums((row + low).ravel(), ((1.0 - upper) * chances).ravel(), size)
    moves += group_sums((row + high).ravel(), (upper * chances).ravel(), size)
    return moves.reshape(states, states + 1)[:, :states]


def steps_to_leave(stays: Floats) -> Floats:
    """Expected steps from each state until none is entered any more.

    `stays`: chances to go from the state of the row to that of the column.
    """
    size = stays.shape[0]
    steps = np.linalg.solve(np.eye(size) - stays, np.ones(size))
    return steps.astype(np.float64)
