"""Readings of many runs as columns with one value for each unit."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from analytics.core.arrays import Floats
from analytics.core.columns import ReadingColumns
from analytics.core.rework import counting_last
from traceability.production.readings import Row

FARTHEST = float(np.finfo(np.float32).max)


@dataclass
class _Taken:
    """What was read of one parameter: parallel arrays, a few bytes a reading."""

    place: array[int] = field(default_factory=lambda: array("q"))
    started: array[float] = field(default_factory=lambda: array("d"))
    run_no: array[float] = field(default_factory=lambda: array("d"))
    value: array[float] = field(default_factory=lambda: array("d"))

    def add(
        self, place: int, started: datetime | None, run_no: int, value: float
    ) -> None:
        self.place.append(place)
        self.started.append(started.timestamp() if started else math.nan)
        self.run_no.append(run_no)
        self.value.append(value)

    def column(self, judged: Floats) -> NDArray[np.float32]:
        """The value of the run that counts (see `core/rework.py`); NaN without one."""
        place = np.frombuffer(self.place, dtype=np.int64)
        started = np.frombuffer(self.started)
        run_no = np.frombuffer(self.run_no)
        order = counting_last(started, run_no, judged[place])
        values = np.frombuffer(self.value).clip(-FARTHEST, FARTHEST)
        column = np.full(len(judged), np.nan, dtype=np.float32)
        column[place[order]] = values[order]  # of one place the last one stays
        return column


def reading_columns(
    rows: Iterable[Row], places: Mapping[int, int], judged: Floats
) -> ReadingColumns:
    """Stream readings into columns of float32, by (operation, parameter).

    `places`: where a unit stands, by its id; what is not in it is left out.
    `judged`: seconds, one for each place. A bundle has no times for readings, so the
    run that counts is chosen here.
    """
    taken: defaultdict[tuple[str, str], _Taken] = defaultdict(_Taken)
    for unit, operation, started, run_no, parameter, value in rows:
        if unit in places:
            named = taken[operation, parameter]
            named.add(places[unit], started, run_no, value)
    return {named: taken[named].column(judged) for named in sorted(taken)}
