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

import numpy as np

from analytics.core.arrays import Floats, log_sum_exp

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
RAISED_WEIGHTS: Floats = np.exp(LOG_RAISED)
NEAR_ONE = np.flatnonzero(np.abs(LOG_RISKS) < 6 * ORDINARY[0][2])
"""Places in `RISKS` that an ordinary risk can take."""
ORDINARY_WEIGHTS: Floats = np.exp(_on_grid(ORDINARY)[NEAR_ONE])


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
    net = observed.sum(axis=1)[:, None] * np.log(risks)[None, :]
    for stratum in np.flatnonzero(total):
        grown = 1.0 + (risks - 1.0)[None, :] * share[:, stratum, None]
        net -= total[stratum] * np.log(grown)
    return net


def log_bayes_factors(
    observed: Floats, expected: Floats, total: Floats, total_expected: Floats
) -> Floats:
    """Log Bayes factor of raised against ordinary, (hypotheses,)."""
    factors = np.empty(len(observed))
    for begin in range(0, len(observed), CHUNK):
        part = slice(begin, begin + CHUNK)
        at_nodes = log_likelihood(observed[part], expected[part], total, total_expected)
        factors[part] = log_ratio(at_nodes @ TO_RISKS)
    return factors


def log_ratio(likelihood: Floats) -> Floats:
    """Log Bayes factor of raised against ordinary from (hypotheses, `RISKS`)."""
    ratio: Floats = _log_integral(likelihood, RAISED_WEIGHTS) - _log_integral(
        likelihood[:, NEAR_ONE], ORDINARY_WEIGHTS
    )
    return ratio


def _log_integral(likelihood: Floats, weights: Floats) -> Floats:
    top = likelihood.max(axis=1, keepdims=True)
    total: Floats = np.log(np.exp(likelihood - top) @ weights) + top[:, 0]
    return total


def risk_posterior(likelihood: Floats) -> Floats:
    """Posterior weight of each of `RISKS`, given that it is raised."""
    log_weights = likelihood + LOG_RAISED
    weights: Floats = np.exp(log_weights - log_sum_exp(log_weights, axis=-1)[..., None])
    return weights
