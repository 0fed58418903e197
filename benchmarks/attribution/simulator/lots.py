"""Lots of a material: finite life, two feeders, a supplier for each lot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.attribution.simulator.settings import Style, log_uniform

Ints = NDArray[np.int64]
FEEDERS = 2


@dataclass
class Material:
    """`lot`: code of each unit's lot; `supplier`: code of each lot's supplier."""

    name: str
    operation: str
    lot: Ints
    supplier: Ints

    @property
    def size(self) -> int:
        """How many lots there are."""
        return self.supplier.size

    def lot_name(self, code: int) -> str:
        return f"{self.name}-L{code:04d}"

    def lot_names(self) -> NDArray[np.object_]:
        return np.array([self.lot_name(k) for k in range(self.size)], dtype=object)

    def supplier_names(self) -> NDArray[np.object_]:
        names = [f"{self.name}-S{k + 1}" for k in range(int(self.supplier.max()) + 1)]
        return np.array(names, dtype=object)

    def opened(self, supplier: int) -> int:
        """Code of a new lot that no unit has met yet."""
        self.supplier = np.append(self.supplier, supplier)
        return self.size - 1


def drawn_material(
    rng: np.random.Generator,
    style: Style,
    name: str,
    operation: str,
    product: Ints,
    number: int,
) -> Material:
    """The first material has large lots; some serve one product only."""
    low, high = style.lot_units
    mean = log_uniform(rng, (high / 2 if number == 0 else low, high))
    shape = rng.uniform(*style.lot_shape)
    own_by_product = rng.random() < 0.25
    feeder = _feeders(rng, str(rng.choice(style.feeders)), product.size)
    stream = feeder + FEEDERS * (product if own_by_product else 0)
    lot = np.zeros(product.size, dtype=np.int64)
    for side in np.unique(stream):
        own = np.flatnonzero(stream == side)
        sizes = rng.gamma(shape, mean / shape, int(3 * own.size / mean) + 20) + 5
        sizes[0] *= rng.random()
        lot[own] = np.searchsorted(np.cumsum(sizes), np.arange(own.size)) * 99 + side
    _, first, codes = np.unique(lot, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    suppliers = rng.integers(0, _suppliers(rng, first.size), first.size)
    return Material(name, operation, order[codes].astype(np.int64), suppliers)


def _suppliers(rng: np.random.Generator, lots: int) -> int:
    """One to three: a supplier of few lots would be another name for these."""
    return min(int(rng.integers(1, 4)), 1 + lots // 12)


def _feeders(rng: np.random.Generator, mode: str, n: int) -> Ints:
    """Which of the two feeders each unit takes from."""
    if mode == "mixed":
        return rng.integers(0, FEEDERS, n)
    if mode == "alternating":
        return (np.arange(n) // rng.integers(1, 7) + rng.integers(FEEDERS)) % FEEDERS
    edges = np.cumsum(rng.geometric(1 / 12, n))
    return np.searchsorted(edges, np.arange(n), side="right") % FEEDERS
