"""The defects of one class as points, in an order that does not hang on the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.core.arrays import Bools, Floats, Ints

LEAST_SIDE = 1e-4
MOST_PRODUCTS = 8
ROBUST_SD = 1.4826


@dataclass(frozen=True)
class Points:
    """n defects with a known position; every array has one entry for each.

    `xy`: centre of the box, shape (n, 2), 0..1 of the image, y downwards. `size`: log
    of the box's area, median 0 and robust standard deviation 1; NaN if unknown. `at`:
    seconds. `product` and `unit`: codes from 0.
    """

    xy: Floats
    size: Floats
    at: Floats
    product: Ints
    unit: Ints

    @classmethod
    def of(cls, defects: pd.DataFrame) -> Points:
        """All rows have x and y; columns `product` and `unit` may be absent."""
        width, height = (_number(defects, name) for name in ("width", "height"))
        corner = np.column_stack([_number(defects, "x"), _number(defects, "y")])
        sides = np.nan_to_num(np.column_stack([width, height]))
        return cls(
            xy=corner + sides / 2,
            size=_log_area(width, height),
            at=np.nan_to_num(_number(defects, "at")),
            product=_products(defects),
            unit=_codes(defects, "unit", None),
        )

    @property
    def n(self) -> int:
        return len(self.xy)

    @property
    def n_products(self) -> int:
        return int(self.product.max(initial=0)) + 1

    def taken(self, chosen: Bools | Ints) -> Points:
        """Some of the points, in the order asked for."""
        return Points(
            self.xy[chosen],
            self.size[chosen],
            self.at[chosen],
            self.product[chosen],
            self.unit[chosen],
        )

    def order(self) -> Ints:
        """By time, then by everything else: the same for the rows in any order."""
        known = np.nan_to_num(self.size)
        keys = (self.unit, self.product, known, self.xy[:, 1], self.xy[:, 0], self.at)
        return np.lexsort(keys)


def _number(defects: pd.DataFrame, name: str) -> Floats:
    if name not in defects:
        return np.full(len(defects), np.nan)
    values: Floats = defects[name].to_numpy(dtype=np.float64)
    return values


def _codes(defects: pd.DataFrame, name: str, alone: int | None) -> Ints:
    """Codes of a text column; without it all rows are `alone`, or each its own."""
    if name in defects:
        names = defects[name].to_numpy(dtype=object)
        return pd.factorize(names, sort=True)[0].astype(np.int64)
    n = len(defects)
    return np.arange(n) if alone is None else np.full(n, alone, dtype=np.int64)


def _products(defects: pd.DataFrame) -> Ints:
    """The `MOST_PRODUCTS` with most defects by themselves, all others as one."""
    codes = _codes(defects, "product", 0)
    n = np.bincount(codes, minlength=1)
    rank = np.argsort(np.argsort(-n, kind="stable"), kind="stable")
    return np.minimum(rank[codes], MOST_PRODUCTS).astype(np.int64)


def _log_area(width: Floats, height: Floats) -> Floats:
    area = np.log(np.maximum(width, LEAST_SIDE) * np.maximum(height, LEAST_SIDE))
    known = area[np.isfinite(area)]
    if not known.size:
        return np.full(area.shape, np.nan)
    middle = np.median(known)
    spread = ROBUST_SD * np.median(np.abs(known - middle))
    scaled: Floats = np.clip((area - middle) / max(spread, 1e-3), -6.0, 6.0)
    return scaled
