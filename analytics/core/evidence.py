"""How much a set of counts speaks for "the risk is raised" against "it varies".

Counts are Poisson with the rate of each stratum profiled out, which leaves a
binomial likelihood of the relative risk. Both sides are integrated over a grid of
relative risks: "raised" is a mixture of log-normals above one, "ordinary" a narrow
log-normal around one (the spread that everything in a plant has).
"""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Floats, log_sum_exp

LOG_RISKS: Floats = np.linspace(np.log(0.15), np.log(40.0), 49)
RISKS: Floats = np.exp(LOG_RISKS)
RAISED = ((0.35, 2.0, 0.30), (0.40, 4.0, 0.35), (0.25, 9.0, 0.45))
"""Weight, centre and log-scale width of the mixture of raised risks."""
ORDINARY = ((1.0, 1.0, 0.1),)
"""The same for ordinary risks; what differs more is a source of `noise`."""
CHUNK = 4096
TINY = 1e-300


def _log_normal(centre: float, width: float) -> Floats:
    weights = np.exp(-0.5 * ((LOG_RISKS - np.log(centre)) / width) ** 2)
    normal: Floats = weights / weights.sum()
    return normal


def _log_mixture(mixture: tuple[tuple[float, float, float], ...]) -> Floats:
    parts = [weight * _log_normal(centre, width) for weight, centre, width in mixture]
    logs: Floats = np.log(np.array(parts).sum(axis=0) + TINY)
    return logs


LOG_RAISED: Floats = _log_mixture(RAISED)
LOG_ORDINARY: Floats = _log_mixture(ORDINARY)


def log_likelihood(
    observed: Floats, expected: Floats, total: Floats, total_expected: Floats
) -> Floats:
    """Log likelihood of each risk of the grid over that of one.

    `observed`, `expected`: (hypotheses, strata) among the exposed. `total`,
    `total_expected`: (strata,) of all units. Returns (hypotheses, risks).
    """
    share = expected / np.maximum(total_expected, 1e-12)
    scaled = 1.0 + (RISKS - 1.0)[None, None, :] * share[:, :, None]
    lost = np.einsum("s,hsg->hg", total, np.log(scaled))
    gained = observed.sum(axis=1)[:, None] * LOG_RISKS[None, :]
    net: Floats = gained - lost
    return net


def log_bayes_factors(
    observed: Floats, expected: Floats, total: Floats, total_expected: Floats
) -> Floats:
    """Log Bayes factor of raised against ordinary, (hypotheses,)."""
    factors = np.empty(len(observed))
    for begin in range(0, len(observed), CHUNK):
        part = slice(begin, begin + CHUNK)
        factors[part] = log_ratio(
            log_likelihood(observed[part], expected[part], total, total_expected)
        )
    return factors


def log_ratio(likelihood: Floats) -> Floats:
    """Log Bayes factor of raised against ordinary from (hypotheses, risks)."""
    raised = log_sum_exp(likelihood + LOG_RAISED, axis=1)
    ordinary = log_sum_exp(likelihood + LOG_ORDINARY, axis=1)
    ratio: Floats = raised - ordinary
    return ratio


def risk_posterior(likelihood: Floats) -> Floats:
    """Posterior weight of each risk of the grid, given that it is raised."""
    log_weights = likelihood + LOG_RAISED
    weights: Floats = np.exp(log_weights - log_sum_exp(log_weights, axis=-1)[..., None])
    return weights
