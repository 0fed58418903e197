"""Defects of one class drawn on a product: backgrounds, and spots planted on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

SPAN = 30 * 86400.0
SIZE_SD = 0.3
MARGIN = 0.12
APART = 0.25

Density = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Drawn:
    """A background. `density`: of positions (n, 2) and products (n,), by area."""

    xy: np.ndarray
    product: np.ndarray
    at: np.ndarray
    density: Density


@dataclass(frozen=True)
class Planted:
    """A spot; `sd`: along and across, in parts of the image.

    `line`: length of a scratch instead of the first. `window`: from and to, in parts
    of the time. `bigger`: by how much its log area is larger.
    """

    share: float = 0.2
    sd: tuple[float, float] = (0.03, 0.03)
    line: float = 0.0
    window: tuple[float, float] = (0.0, 1.0)
    bigger: float = 0.0

    def density(self, local: np.ndarray, at: np.ndarray, size: np.ndarray):
        """By area, time and size; `local`: along and across from its centre."""
        start, end = self.window
        lasts = ((at >= start) & (at <= end)) / (end - start)
        along = _normal(local[:, 0], self.sd[0])
        if self.line:
            along = (np.abs(local[:, 0]) <= self.line / 2) / self.line
        across = _normal(local[:, 1], self.sd[1])
        return along * across * lasts * _normal(size - self.bigger, SIZE_SD)


@dataclass(frozen=True)
class Scenario:
    ground: str
    n: int = 300
    spots: tuple[Planted, ...] = ()


def _normal(away: np.ndarray, sd: float) -> np.ndarray:
    return np.exp(-0.5 * (away / sd) ** 2) / (np.sqrt(2 * np.pi) * sd)


def _uniform(rng: np.random.Generator, n: int) -> Drawn:
    one = np.zeros(n, dtype=int)
    return Drawn(rng.random((n, 2)), one, rng.random(n), lambda p, _: np.ones(len(p)))


def _lattice(rng: np.random.Generator, n: int, shape=(12, 8), uneven=0.6) -> Drawn:
    """On the pads of a board; some pads fail more often than others."""
    x, y = np.meshgrid(*((np.arange(k) + 0.5) / k for k in shape))
    pads = np.column_stack([x.ravel(), y.ravel()])
    rate = rng.gamma(1 / uneven**2, size=len(pads))
    return _on_pads(rng, n, pads, rate / rate.sum(), 0.006)


def _few_pads(rng: np.random.Generator, n: int) -> Drawn:
    pads, rate = rng.uniform(0.05, 0.95, (20, 2)), rng.dirichlet(np.full(20, 4.0))
    return _on_pads(rng, n, pads, rate, 0.008)


def _on_pads(rng, n, pads, rate, jitter) -> Drawn:
    own = rng.choice(len(pads), n, p=rate)
    xy = pads[own] + jitter * rng.standard_normal((n, 2))

    def density(p: np.ndarray, _: np.ndarray) -> np.ndarray:
        away = ((p[:, None] - pads[None]) ** 2).sum(axis=2)
        near = np.exp(-0.5 * away / jitter**2) / (2 * np.pi * jitter**2)
        return near @ rate

    return Drawn(xy, np.zeros(n, dtype=int), rng.random(n), density)


def _edges(rng: np.random.Generator, n: int, depth: float = 0.06) -> Drawn:
    side, along = rng.integers(0, 4, n), rng.random(n)
    away = np.abs(rng.normal(0, depth, n)) % 1
    across = np.where(side % 2 == 0, away, 1 - away)
    flat = side >= 2
    xy = np.where(
        flat[:, None],
        np.column_stack([along, across]),
        np.column_stack([across, along]),
    )

    def density(p: np.ndarray, _: np.ndarray) -> np.ndarray:
        return sum(_normal(q[:, i], depth) / 2 for q in (p, 1 - p) for i in (0, 1))

    return Drawn(xy, np.zeros(n, dtype=int), rng.random(n), density)


def _zones(rng: np.random.Generator, n: int, sd: float = 0.15) -> Drawn:
    """Half of it in a wide hump."""
    middle = rng.uniform(0.3, 0.7, 2)
    hump = middle + sd * rng.standard_normal((n, 2))
    xy = np.where(rng.random((n, 1)) < 0.5, hump, rng.random((n, 2)))

    def density(p: np.ndarray, _: np.ndarray) -> np.ndarray:
        away = p - middle
        return 0.5 + 0.5 * _normal(away[:, 0], sd) * _normal(away[:, 1], sd)

    return Drawn(np.clip(xy, 0, 1), np.zeros(n, dtype=int), rng.random(n), density)


def _product_of(at: np.ndarray) -> np.ndarray:
    return (at * 6).astype(int) % 2


def _products(rng: np.random.Generator, n: int) -> Drawn:
    """Two products in campaigns: one on a lattice, one on its left half."""
    at = rng.random(n)
    product, board = _product_of(at), _lattice(rng, n, (8, 6))
    half = rng.random((n, 2)) * [0.5, 1.0]
    xy = np.where(product[:, None] == 0, board.xy, half)

    def density(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        left = np.where(p[:, 0] < 0.5, 2.0, 1e-9)
        return np.where(q == 0, board.density(p, q), left)

    return Drawn(xy, product, at, density)


GROUNDS = {
    "uniform": _uniform,
    "lattice": _lattice,
    "few pads": _few_pads,
    "edges": _edges,
    "zones": _zones,
    "products": _products,
}


def draw(scenario: Scenario, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The defects, the true group of each (0: background), and the best guess at it.

    The best guess is that of whoever knows all densities that were drawn from.
    """
    rng = np.random.default_rng([seed, scenario.n])
    counts = [max(round(spot.share * scenario.n), 8) for spot in scenario.spots]
    n0 = scenario.n - sum(counts)
    ground = GROUNDS[scenario.ground](rng, n0)
    parts = [(ground.xy, ground.product, ground.at, rng.normal(0, SIZE_SD, n0))]
    frames = _frames_of_reference(rng, len(counts))
    for spot, count, frame in zip(scenario.spots, counts, frames, strict=True):
        mixed = scenario.ground == "products"
        parts.append(_spot(rng, spot, count, frame, mixed))
    xy, product, at, size = (np.concatenate(p) for p in zip(*parts, strict=True))
    weights = [n0 * ground.density(xy, product) * _normal(size, SIZE_SD)]
    for spot, count, (centre, axes) in zip(scenario.spots, counts, frames, strict=True):
        weights.append(count * spot.density((xy - centre) @ axes.T, at, size))
    truth = np.repeat(np.arange(len(counts) + 1), [n0, *counts])
    return _table(xy, product, at, size), truth, np.argmax(weights, axis=0)


def _frames_of_reference(rng, count) -> list[tuple[np.ndarray, np.ndarray]]:
    """Centre and axes of each spot, the centres well apart."""
    found: list[tuple[np.ndarray, np.ndarray]] = []
    while len(found) < count:
        centre, angle = rng.uniform(MARGIN, 1 - MARGIN, 2), rng.uniform(0, np.pi)
        cos, sin = np.cos(angle), np.sin(angle)
        if all(np.hypot(*(centre - other)) > APART for other, _ in found):
            found.append((centre, np.array([[cos, sin], [-sin, cos]])))
    return found


def _spot(rng, spot: Planted, count: int, frame, mixed: bool):
    centre, axes = frame
    local = rng.standard_normal((count, 2)) * spot.sd
    if spot.line:
        local[:, 0] = spot.line * (rng.random(count) - 0.5)
    at = rng.uniform(*spot.window, count)
    product = _product_of(at) if mixed else np.zeros(count, dtype=int)
    return centre + local @ axes, product, at, rng.normal(spot.bigger, SIZE_SD, count)


def _table(xy, product, at, size) -> pd.DataFrame:
    side = 0.01 * np.exp(size / 2)
    corner = np.clip(xy - side[:, None] / 2, 0, 1)
    return pd.DataFrame(
        {
            "x": corner[:, 0],
            "y": corner[:, 1],
            "width": side,
            "height": side,
            "at": SPAN * at,
            "product": np.where(product == 0, "P", "Q"),
            "unit": np.arange(len(xy)).astype(str),
        }
    )


LATE = (0.6, 1.0)
SPOT = Planted(window=LATE)
SCRATCH = Planted(line=0.35, sd=(0.006, 0.006), window=LATE)
BRIEF = Planted(0.1, window=(0.4, 0.6))
SMALL = Planted(0.05, sd=(0.02, 0.02), window=LATE)
FOURTH = Planted(0.25, window=LATE)
SEVENTH = Planted(0.15, window=LATE)
STEADY = Planted(0.15)
PASSING = Planted(0.15, window=(0.3, 0.7))

SCENARIOS = {
    **{f"{name}, from an onset": Scenario(name, 300, (SPOT,)) for name in GROUNDS},
    **{f"{name}, always": Scenario(name, 300, (Planted(),)) for name in GROUNDS},
    "sd 0.02": Scenario("uniform", 300, (Planted(sd=(0.02, 0.02), window=LATE),)),
    "sd 0.04": Scenario("uniform", 300, (Planted(sd=(0.04, 0.04), window=LATE),)),
    "sd 0.04, always": Scenario("uniform", 300, (Planted(sd=(0.04, 0.04)),)),
    "scratch": Scenario("uniform", 300, (SCRATCH,)),
    "scratch on lattice": Scenario("lattice", 300, (SCRATCH,)),
    "two spots": Scenario("uniform", 300, (SEVENTH, STEADY)),
    "two, unequal": Scenario("uniform", 300, (FOURTH, Planted(0.08, sd=(0.02, 0.02)))),
    "two on edges": Scenario("edges", 300, (SEVENTH, PASSING)),
    "a window": Scenario("uniform", 300, (BRIEF,)),
    "a window on lattice": Scenario("lattice", 300, (BRIEF,)),
    "bigger defects": Scenario(
        "uniform", 300, (Planted(0.1, window=LATE, bigger=0.8),)
    ),
    "100 defects": Scenario("uniform", 100, (SPOT,)),
    "1,000 defects, 5 %": Scenario("uniform", 1000, (SMALL,)),
    "5,000 on lattice": Scenario("lattice", 5000, (Planted(0.1, window=LATE),)),
    "20,000 defects, 5 %": Scenario("uniform", 20000, (SMALL,)),
}

NOTHING = {
    f"{name}, {n}": Scenario(name, n) for name in GROUNDS for n in (100, 300, 3000)
}
