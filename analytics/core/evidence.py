"""How much a set of counts speaks for "the risk is raised" against "it varies".

Counts are Poisson with the rate of each stratum profiled out, which leaves a
binomial likelihood of the relative risk. Both sides are integrated over the relative
risk: "raised" is a mixture of log-normals above one, "ordinary" a narrow log-normal
around one (the spread that everything in a plant has).

The log likelihood is a smooth function of the log risk, so it is evaluated at few
Chebyshev nodes and interpolated to the grid of the integral (Trefethen 2013,
"Approximation Theory and Approximation Practice", chapters 2 and 8: the error falls
geometrically with the number of nodes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.core.arrays import Floats, Ints, log_sum_exp

LEAST_RISK, MOST_RISK = 0.55, 100.0
N_NODES, N_RISKS = 15, 161
RAISED = ((0.34, 2.0, 0.30), (0.38, 4.0, 0.35), (0.23, 9.0, 0.45), (0.05, 30.0, 0.5))
"""Weight, centre and log-scale width of the mixture of raised risks."""
ORDINARY = ((1.0, 1.0, 0.1),)
"""The same for ordinary risks; what differs more is a source of `noise`."""
CHUNK = 8192
TINY = 1e-300


def _nodes() -> Floats:
    angles = np.pi * (np.arange(N_NODES) + 0.5) / N_NODES
    low, high = np.log(LEAST_RISK), np.log(MOST_RISK)
    nodes: Floats = (low + high) / 2 + (high - low) / 2 * np.cos(angles)
    return nodes


def interpolation(nodes: Floats, points: Floats) -> Floats:
    """Weights of the values at Chebyshev nodes for each point, (nodes, points).

    Barycentric formula (Berrut and Trefethen 2004); no point may be a node.
    """
    angles = np.pi * (np.arange(nodes.size) + 0.5) / nodes.size
    weights = (-1.0) ** np.arange(nodes.size) * np.sin(angles)
    parts = weights[:, None] / (points[None, :] - nodes[:, None])
    matrix: Floats = parts / parts.sum(axis=0)
    return matrix


LOG_RISKS: Floats = np.linspace(
    np.log(LEAST_RISK) + 1e-6, np.log(MOST_RISK) - 1e-6, N_RISKS
)
RISKS: Floats = np.exp(LOG_RISKS)
LOG_NODES: Floats = _nodes()
NODES: Floats = np.exp(LOG_NODES)
TO_RISKS: Floats = interpolation(LOG_NODES, LOG_RISKS)
"""Takes log likelihoods from `NODES` to `RISKS`."""


Mixture = tuple[tuple[float, float, float], ...]


def log_density(mixture: Mixture, log_risks: Floats) -> Floats:
    """Log density of a mixture of log-normals at log risks."""
    parts = [
        weight / width * np.exp(-0.5 * ((log_risks - np.log(centre)) / width) ** 2)
        for weight, centre, width in mixture
    ]
    logs: Floats = np.log(np.sum(parts, axis=0) + TINY)
    return logs


def _on_grid(mixture: Mixture) -> Floats:
    logs = log_density(mixture, LOG_RISKS)
    weights: Floats = logs - log_sum_exp(logs)
    return weights


LOG_RAISED: Floats = _on_grid(RAISED)


@dataclass(frozen=True)
class Grid:
    """Points in log risk with the weights of both sides of the Bayes factor.

    `to_points`: takes values at `NODES` to the points. `near_one`: the points that an
    ordinary risk can take.
    """

    to_points: NDArray[Any]
    raised: NDArray[Any]
    near_one: Ints
    ordinary: NDArray[Any]

    @classmethod
    def of(cls, points: Floats, dtype: type) -> Grid:
        steps = np.gradient(points)
        near = np.flatnonzero(np.abs(points) < 6 * ORDINARY[0][2])
        raised = np.exp(log_density(RAISED, points)) * steps
        ordinary = np.exp(log_density(ORDINARY, points[near])) * steps[near]
        return cls(
            interpolation(LOG_NODES, points).astype(dtype),
            (raised / raised.sum()).astype(dtype),
            near,
            (ordinary / ordinary.sum()).astype(dtype),
        )

    def log_ratio(self, likelihood: NDArray[Any]) -> Floats:
        """Log Bayes factor of raised against ordinary from (sets, points)."""
        raised = _log_integral(likelihood, self.raised)
        ordinary = _log_integral(likelihood[:, self.near_one], self.ordinary)
        ratio: Floats = (raised - ordinary).astype(np.float64)
        return ratio


def _log_integral(likelihood: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    top = likelihood.max(axis=1, keepdims=True)
    integral: NDArray[Any] = np.log(np.exp(likelihood - top) @ weights) + top[:, 0]
    return integral


FINE = Grid.of(LOG_RISKS, np.float64)
COARSE = Grid.of(
    np.union1d(np.linspace(-0.55, 0.55, 19), np.linspace(0.62, LOG_RISKS[-1], 25)),
    np.float32,
)


def log_likelihood(
    observed: Floats,
    expected: Floats,
    total: Floats,
    total_expected: Floats,
    risks: Floats = NODES,
) -> Floats:
    """Log likelihood of each risk over that of one, (hypotheses, risks).

    `observed`, `expected`: (hypotheses, strata) among the exposed. `total`,
    `total_expected`: (strata,) of all units.
    """
    share = np.minimum(expected / np.maximum(total_expected, 1e-12), 1.0)
    net: Floats = observed.sum(axis=1)[:, None] * np.log(risks)[None, :]
    for stratum in np.flatnonzero(total):
        grown = 1.0 + (risks - 1.0)[None, :] * share[:, stratum, None]
        net -= total[stratum] * np.log(grown)
    return net


def log_bayes_factors(
    observed: Floats, expected: Floats, total: Floats, total_expected: Floats
) -> Floats:
    """Log Bayes factor of raised against ordinary, (hypotheses,).

    To within 0.1, on a coarse grid and in single precision: for looking over many.
    """
    factors = np.empty(len(observed))
    for begin in range(0, len(observed), CHUNK):
        part = slice(begin, begin + CHUNK)
        at_nodes = log_likelihood(observed[part], expected[part], total, total_expected)
        likelihood = at_nodes.astype(np.float32) @ COARSE.to_points
        factors[part] = COARSE.log_ratio(likelihood)
    return factors


def log_ratio(likelihood: Floats) -> Floats:
    """Log Bayes factor of raised against ordinary from (hypotheses, `RISKS`)."""
    return FINE.log_ratio(likelihood)


def risk_posterior(likelihood: Floats) -> Floats:
    """Posterior weight of each of `RISKS`, given that it is raised."""
    log_weights = likelihood + LOG_RAISED
    weights: Floats = np.exp(log_weights - log_sum_exp(log_weights, axis=-1)[..., None])
    return weights
