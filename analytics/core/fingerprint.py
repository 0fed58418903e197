"""Fingerprints of what went into an analysis and of what came out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.core.arrays import Floats
from analytics.core.coding import codes_of
from analytics.core.columns import FarColumns, Key, ReadingColumns, Values
from analytics.core.contract import COLUMNS
from analytics.core.frames import Bundle

Hashes = NDArray[np.uint64]

BLOCK = 1 << 16
"""Rows hashed at a time: what is mixed then stays in the processor's cache."""
WORD = 1 << 64
STEP = np.uint64(0x9E3779B97F4A7C15)
MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""Multipliers of SplitMix64 (Steele, Lea, Flood 2014, OOPSLA)."""


def bundle_sha256(bundle: Bundle) -> str:
    """SHA-256 of all rows; the order of the rows does not change it.

    Units stand in an order of their own, so their place is hashed for their name.
    Rows are hashed to 64 bits each and summed twice, differently mixed: a sum knows no
    order, and equal sums of other rows are a matter of chance, not of likeness.
    """
    digest = hashlib.sha256()
    digest.update("\0".join(bundle.units["unit"].cat.categories).encode())
    for file in COLUMNS:
        digest.update(f"\0{file}\0{len(getattr(bundle, file))}\0".encode())
        digest.update(_sums(getattr(bundle, file)))
    for key in sorted(bundle.columns):
        digest.update("\0".join(("", *key, "")).encode())
        digest.update(_column_sha256(bundle.columns, key))
    return digest.hexdigest()


def _column_sha256(columns: ReadingColumns, key: Key) -> bytes:
    """Of the values in their order; far ones were hashed where they are kept."""
    if isinstance(columns, FarColumns):
        return columns.sha256(key)
    return values_sha256(columns[key])


def values_sha256(values: Values) -> bytes:
    return hashlib.sha256(values.astype("<f4", copy=False).data).digest()


def _sums(frame: pd.DataFrame) -> bytes:
    columns = [_hashed(frame[name]) for name in frame]
    first = second = 0
    for begin in range(0, len(frame), BLOCK):
        block = slice(begin, min(begin + BLOCK, len(frame)))
        rows = np.full(block.stop - begin, STEP)
        for hashes in columns:
            rows ^= hashes(block)
            _mix(rows, MIX[0])
        first += int(rows.sum())
        _mix(rows, MIX[1])
        second += int(rows.sum())
    return b"".join((n % WORD).to_bytes(8, "little") for n in (first, second))


def _mix(rows: Hashes, factor: np.uint64) -> None:
    """Spread every bit over the whole word, in place."""
    rows += STEP
    rows *= factor
    rows ^= rows >> np.uint64(29)


def _hashed(values: pd.Series) -> Callable[[slice], Hashes]:
    """Eight bytes for each row of a block; those of a level are made once."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, names = codes_of(values)
        if values.name == "unit":
            return lambda block: codes[block].astype(np.uint64)
        table = pd.util.hash_array(names.array)
        return lambda block: table[codes[block]]
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        at = values.dt.tz_convert(None).to_numpy(dtype="datetime64[us]")
        return lambda block: at[block].view(np.uint64)
    if pd.api.types.is_float_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64)
        return lambda block: _plain(numbers[block]).view(np.uint64)
    text = values.array
    return lambda block: pd.util.hash_array(text[block])


def _plain(numbers: Floats) -> Floats:
    """With one spelling of zero and of what is missing."""
    return np.where(np.isnan(numbers), np.nan, numbers + 0.0)


def canonical_sha256(value: Mapping[str, Any]) -> str:
    """SHA-256 of the value as JSON with sorted keys and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
