"""Plain JSON values out of numpy and pandas, rounded so that runs compare equal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

DIGITS = 6
"""Significant digits kept: far below what sums in another order change."""


def plain(value: Any) -> Any:
    """The value as JSON can hold it: floats rounded, times as text, NaN as None."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray, pd.Series)):
        return [plain(item) for item in value]
    if isinstance(value, pd.Timestamp):
        return plain_time(value)
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return _rounded(float(value))
    return value


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def plain_time(at: pd.Timestamp | None) -> str | None:
    """ISO 8601 in UTC to the second, such as 2026-03-11T01:13:00Z."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
