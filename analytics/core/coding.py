"""Text as codes: what a column says once, and which of it each row says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analytics.core.arrays import AnyInts, Codes, Ints

NOBODY = -1
"""Code of a missing level."""
RADIX = 1 << 15
"""Names below which codes fit the type that numpy sorts without comparing."""


def codes_of(labels: pd.Series) -> tuple[Codes, pd.Index]:
    """Code of each row of a column of a bundle, and the names in their order."""
    codes = labels.cat.codes.to_numpy()
    return codes.astype(np.int32, copy=False), labels.cat.categories


def met_levels(codes: Codes, names: pd.Index) -> tuple[Codes, tuple[str, ...]]:
    """Codes of only the names that occur, in their order; "" becomes `NOBODY`."""
    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    used = used[np.asarray(names[used] != "", dtype=bool)]
    renamed = np.full(len(names), NOBODY, dtype=np.int32)
    renamed[used] = np.arange(used.size, dtype=np.int32)
    return renamed[codes], tuple(str(name) for name in names[used])


def groups(labels: pd.Series) -> Iterator[tuple[str, Ints]]:
    """Each name that occurs, in order, with its rows in theirs."""
    codes, names = codes_of(labels)
    for code, rows in enumerate(split(codes, len(names))):
        if rows.size:
            yield str(names[code]), rows


def split(codes: AnyInts, n: int) -> list[Ints]:
    """Rows of each code 0..n-1, in their order; other codes are left out."""
    order: Ints = np.argsort(
        codes.astype(np.int16) if n < RADIX else codes, kind="stable"
    )
    order = order[np.count_nonzero(codes < 0) :]
    ends = np.cumsum(np.bincount(codes[order], minlength=n))
    return np.split(order, ends)[:n]
