"""Names for the arrays that the analysis passes around, and sums over groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def group_sums(group: Ints, weights: Floats | Bools, n: int) -> Floats:
    """Sum of the weights of each group 0..n-1; one weight for each entry."""
    sums: NDArray[np.generic] = np.bincount(group, weights=weights, minlength=n)
    return sums.astype(np.float64)
