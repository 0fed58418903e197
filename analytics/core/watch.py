"""The control chart of a problem's defect rate over time, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analytics.core.rounding import plain
from analytics.core.spc import Rise, detect_excursion


def detection(daily: Mapping[str, list[Any]]) -> dict[str, Any]:
    """What the CUSUM of the stretches in `daily` (at, n, defective) found.

    Like `spc.Detection`, with the start of the stretch for its index; `arl` counts
    stretches.
    """
    n = np.array(daily["n"], dtype=np.float64)
    found = detect_excursion(n, np.array(daily["defective"], dtype=np.float64))
    said: dict[str, Any] = plain(found.to_json())
    said["rises"] = [_timed(rise, daily["at"]) for rise in found.rises]
    return said


def _timed(rise: Rise, at: list[Any]) -> dict[str, Any]:
    places = ("onset", "onset_low", "onset_high", "signal", "last")
    times = {name: at[getattr(rise, name)] for name in places}
    return {**times, "ratio": plain(rise.ratio), "ongoing": rise.ongoing}
