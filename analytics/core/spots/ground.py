"""The background: how densely a class lies over the product and over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Bools, Floats, Ints, group_sums
from analytics.core.spots.points import Points

CELLS = 64
BANDWIDTH = 0.09
UNIFORM_SHARE = 0.05
PRODUCT_WEIGHT = 25.0
TIME_WEIGHT = 4.0


@dataclass(frozen=True)
class Ground:
    """The smooth density of the points that belong to no spot.

    `by_product`: shape (products, n), the density at each point under the background
    of each product, per unit of area of the image. `weight`: how much each point
    counts as background. The points are in order of time.
    """

    points: Points
    by_product: Floats
    weight: Floats

    @classmethod
    def of(cls, points: Points, weight: Floats) -> Ground:
        """Weighted kernel density; a product with few points leans on all of them."""
        cell = _cells(points.xy)
        return cls(points, _maps(points, weight)[:, cell[:, 1], cell[:, 0]], weight)

    @property
    def density(self) -> Floats:
        """At each point, under the background of its own product."""
        return self.by_product[self.points.product, np.arange(self.points.n)]

    def level(self, chosen: Bools) -> Floats:
        """At each point, background points per unit of area, of the chosen times."""
        points = self.points
        n = group_sums(points.product, self.weight * chosen, points.n_products)
        return n @ self.by_product

    def time_shares(self, stretches: Floats) -> Floats:
        """Share of each product's background within stretches of time.

        `stretches`: start and end, shape (k, 2), both included; the answer has shape
        (k, products). A product with few points leans on all of them.
        """
        points = self.points
        found = np.empty((len(stretches), points.n_products))
        for product in range(points.n_products):
            own = np.flatnonzero(points.product == product)
            at = points.at[own]
            sums = np.append(0.0, np.cumsum(self.weight[own]))
            first = np.searchsorted(at, stretches[:, 0], "left")
            found[:, product] = sums[np.searchsorted(at, stretches[:, 1], "right")]
            found[:, product] -= sums[first]
        n = group_sums(points.product, self.weight, points.n_products)
        overall = (found.sum(axis=1) + 1.0) / (n.sum() + 2.0)
        share: Floats = (found + TIME_WEIGHT * overall[:, None]) / (n + TIME_WEIGHT)
        return share


def _cells(xy: Floats) -> Ints:
    return np.clip((xy * CELLS).astype(np.int64), 0, CELLS - 1)


def _maps(points: Points, weight: Floats) -> Floats:
    """Density by product and cell, shape (products, CELLS, CELLS)."""
    cell = _cells(points.xy)
    flat = (points.product * CELLS + cell[:, 1]) * CELLS + cell[:, 0]
    size = points.n_products * CELLS * CELLS
    counts = group_sums(flat, weight, size).reshape(-1, CELLS, CELLS)
    maps = np.stack([_smooth(count) for count in counts])
    total = maps.sum(axis=0)
    pooled = UNIFORM_SHARE + (1 - UNIFORM_SHARE) * total / max(total.mean(), 1e-9)
    n = counts.sum(axis=(1, 2))[:, None, None]
    own = maps * CELLS**2 + PRODUCT_WEIGHT * pooled
    density: Floats = own / (n + PRODUCT_WEIGHT)
    return density


def _smooth(counts: Floats) -> Floats:
    from scipy.ndimage import gaussian_filter

    smoothed: Floats = gaussian_filter(counts, BANDWIDTH * CELLS, mode="reflect")
    return smoothed
