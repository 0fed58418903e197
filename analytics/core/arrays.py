"""Names for the arrays that the analysis passes around, and the sums it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
"""Places of units, levels of factors: half the memory, as there are many."""
AnyInts = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]


def log_sum_exp(values: Floats, axis: int | None = None) -> Floats:
    """Log of the sum of exponentials, over all values or along an axis.

    The values must be finite; scipy's own checks cost more than the sum.
    """
    top = values.max(axis=axis, keepdims=True)
    sums: Floats = np.log(np.exp(values - top).sum(axis=axis, keepdims=True)) + top
    return sums.squeeze(axis=axis)


def x_log_x(values: Floats, over: Floats | float = 1.0) -> Floats:
    """x log(x / over), 0 where x is 0."""
    some = np.asarray(values, dtype=np.float64)
    share = np.where(some > 0, some, 1.0) / np.where(some > 0, over, 1.0)
    product: Floats = some * np.log(share)
    return product


def group_sums(group: AnyInts, weights: Floats | Bools, n: int) -> Floats:
    """Sum of the weights of each group 0..n-1; one weight for each entry."""
    sums: NDArray[np.generic] = np.bincount(group, weights=weights, minlength=n)
    return sums.astype(np.float64)
