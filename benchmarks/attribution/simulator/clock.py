"""The calendar of a drawn line: hours since its start, seconds since 1970."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

START = pd.Timestamp("2026-03-01T00:00:00Z")
START_SECONDS = START.timestamp()


def at_hours(hours: float) -> float:
    """Seconds since 1970."""
    return START_SECONDS + 3600 * float(hours)


def timestamps(hours: NDArray[np.float64]) -> pd.DatetimeIndex:
    """UTC times to the millisecond."""
    whole = np.round((START_SECONDS + 3600 * hours) * 1000).astype(np.int64)
    return pd.DatetimeIndex(whole.view("datetime64[ms]")).tz_localize("UTC")
