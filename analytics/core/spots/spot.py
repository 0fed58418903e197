"""A spot: an ellipse on the product, a stretch of time, a usual size of the defect."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics.core.arrays import Bools, Floats, group_sums
from analytics.core.spots.ground import Ground
from analytics.core.spots.points import Points

LEAST_SD = 0.006
MOST_SD = 0.15
PRIOR_POINTS = 4.0
SHARE_POINTS = 10.0
LOG_TWO_PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Spot:
    """A Gaussian in position and log size, even in time from `start` to `end`.

    `share`: by product, the part of its defects that lie in the spot.
    """

    centre: Floats
    covariance: Floats
    start: float
    end: float
    size_mean: float
    size_sd: float
    share: Floats

    def distance(self, xy: Floats) -> Floats:
        """Mahalanobis distance of points (n, 2) from the centre."""
        away = xy - self.centre
        solved = np.linalg.solve(self.covariance, away.T).T
        squares: Floats = (away * solved).sum(axis=1)
        return np.sqrt(np.maximum(squares, 0.0))

    def lasts(self, at: Floats) -> Bools:
        return (at >= self.start) & (at <= self.end)

    def log_odds_without_time(self, ground: Ground) -> Floats:
        """Log of share times density of the spot over that of the background."""
        points = ground.points
        log_area = 0.5 * np.linalg.slogdet(self.covariance)[1] + LOG_TWO_PI
        place = -0.5 * self.distance(points.xy) ** 2 - log_area - np.log(ground.density)
        share = np.clip(self.share, 1e-6, 1 - 1e-6)
        odds: Floats = np.log(share / (1 - share))[points.product] + place
        return odds + self._by_size(points.size)

    def log_odds(self, ground: Ground) -> Floats:
        """With its time: nothing outside of it, denser within it."""
        stretch = np.array([[self.start, self.end]])
        denser = -np.log(ground.time_shares(stretch)[0])
        inside = self.lasts(ground.points.at)
        odds = self.log_odds_without_time(ground) + denser[ground.points.product]
        return np.where(inside, odds, -np.inf)

    def _by_size(self, size: Floats) -> Floats:
        """Against a standard normal with wide tails; nothing where it is unknown."""
        scaled = (size - self.size_mean) / self.size_sd
        own = -0.5 * scaled**2 - np.log(self.size_sd)
        odds: Floats = np.clip(np.nan_to_num(own + 0.5 * size**2), -4.0, 4.0)
        return odds


def responsibilities(spots: list[Spot], ground: Ground) -> Floats:
    """Probability that each point belongs to each spot, shape (spots, n)."""
    odds = np.stack([spot.log_odds(ground) for spot in spots])
    top = np.maximum(odds.max(axis=0), 0.0)
    parts = np.exp(odds - top)
    member: Floats = parts / (parts.sum(axis=0) + np.exp(-top))
    return member


def fitted(spot: Spot, points: Points, member: Floats) -> Spot:
    """The spot moved to its members, weights 0..1; its time stays."""
    total = member.sum() + 1e-9
    centre = member @ points.xy / total
    away = points.xy - centre
    spread = (away * member[:, None]).T @ away
    covariance = (spread + PRIOR_POINTS * spot.covariance) / (total + PRIOR_POINTS)
    mean, sd = _size(points.size, member)
    return replace(
        spot,
        centre=centre,
        covariance=bounded(covariance),
        size_mean=mean,
        size_sd=sd,
        share=_share(points, member),
    )


def bounded(covariance: Floats) -> Floats:
    """With standard deviations that a spot or a scratch can have."""
    values, axes = np.linalg.eigh(covariance)
    limited: Floats = (axes * np.clip(values, LEAST_SD**2, MOST_SD**2)) @ axes.T
    return limited


def _size(size: Floats, member: Floats) -> tuple[float, float]:
    known = np.isfinite(size)
    weight, value = member[known], size[known]
    total = weight.sum() + PRIOR_POINTS
    mean = float(weight @ value / total)
    squares = float(weight @ (value - mean) ** 2) + PRIOR_POINTS
    return mean, max(float(np.sqrt(squares / total)), 0.2)


def _share(points: Points, member: Floats) -> Floats:
    n = group_sums(points.product, np.ones(points.n), points.n_products)
    found = group_sums(points.product, member, points.n_products)
    overall = found.sum() / max(points.n, 1)
    share: Floats = (found + SHARE_POINTS * overall) / (n + SHARE_POINTS)
    return share
