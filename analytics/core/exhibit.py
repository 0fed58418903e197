"""Exhibits: the small frames of plain columns from which a cause's chart is drawn.

An exhibit is stored as JSON beside its cause and drawn later by `analytics.charts`.
`columns` are lists of equal length; `marks` are single values; times are ISO 8601
text in UTC, rates 0..1, missing values null. At most `LIMIT` rows.

| chart | columns | marks |
|---|---|---|
| `readings` | at, value, defective (0/1), exposed (0/1), equipment | operation,
  parameter, unit_of_measure, direction (above/below), threshold, equipment (or
  null), onset, lower_limit, upper_limit; `series`: at, ewma, low, high of the
  machine, where it is only one; `drift`: what the charts of its readings say, see
  `drift.Drift`, or null |
| `levels` | level, n, defective, rate, low, high, highlighted (0/1) | kind,
  factor, level, onset |
| `ages` | age_from, age_to (hours), n, defective, rate, low, high,
  highlighted (0/1) | equipment, since, threshold (hours) |
| `pairs` | row, column, n, defective, rate, low, high, highlighted (0/1) |
  row_factor, column_factor, row, column |

Every exhibit has `daily`: at (start of a day, or of a shorter stretch of a short
series), n, defective, rate, low, high, and the same for the exposed units as
exposed_n, exposed_defective; `daily` marks its onset in `marks["onset"]`.
Intervals are 95 % Wilson score intervals (Wilson 1927).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from analytics.core.arrays import Floats
from analytics.core.rounding import plain

ChartCode = Literal["readings", "levels", "ages", "pairs"]
Columns = Mapping[str, list[Any]]

LIMIT = 400


@dataclass(frozen=True)
class Readings:
    """All readings of one machine in order of `at` (seconds), and their limits."""

    values: Floats
    at: Floats
    lower: float | None
    upper: float | None

    def drift(self) -> dict[str, Any] | None:
        # Takes ruptures and scipy, which an answer in the terminal does without.
        from analytics.core.drift import drift_of

        found = drift_of(self.values, self.at, self.lower, self.upper)
        return None if found is None else found.to_json()


@dataclass(frozen=True)
class Exhibit:
    """What one chart needs, in the columns of the table above.

    The drift of `readings` is only looked at when the exhibit is stored.
    """

    chart: ChartCode
    columns: Columns
    marks: Mapping[str, Any]
    daily: Columns
    series: Columns = field(default_factory=dict)
    readings: Readings | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "chart": self.chart,
            "columns": plain(dict(self.columns)),
            "marks": plain(dict(self.marks)),
            "daily": plain(dict(self.daily)),
            "series": plain(dict(self.series)),
            "drift": self.readings and self.readings.drift(),
        }
