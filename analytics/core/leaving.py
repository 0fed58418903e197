"""Which parameters are out of their specification limits right now, and since when.

A single reading outside is an outlier; a parameter is out when the readings outside
add up. A Bernoulli CUSUM (Reynolds and Stoumbos 1999) of them, by machine, says so
with a stated run length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analytics.core.arrays import Bools, Floats
from analytics.core.factors import Numeric, reading_factors, visits
from analytics.core.frames import Bundle
from analytics.core.population import Population, timestamp
from analytics.core.rounding import plain
from analytics.core.spc import CountCusum, design_binomial_cusum, signals

USUALLY_OUTSIDE = 0.01
"""Share of readings outside that is let pass: a Cpk of about 0.8."""
TIMES_MORE = 20.0
"""A fifth of the readings outside is seen soonest."""
ARL = 100_000.0
"""Readings of one machine between two false alarms at the share that is let pass."""


@dataclass(frozen=True)
class Departure:
    """A parameter on one machine ("" where none is known) that is out of its limits.

    `since` and `last`: times (seconds) of the first and the newest reading outside.
    `outside` of `readings` since then; `value` is the newest outside; `side` is "above"
    or "below", where most are.
    """

    operation: str
    parameter: str
    equipment: str
    unit_of_measure: str
    lower_limit: float | None
    upper_limit: float | None
    side: str
    since: float
    last: float
    value: float
    outside: int
    readings: int

    def to_json(self) -> dict[str, Any]:
        times = {"since": timestamp(self.since), "last": timestamp(self.last)}
        said: dict[str, Any] = plain(vars(self) | times)
        return said


class _Limits(NamedTuple):
    """Of a parameter; NaN where it has none on that side."""

    unit_of_measure: str
    lower: float
    upper: float


def departures(bundle: Bundle) -> list[Departure]:
    """Every parameter of a bundle that is out of its limits at the end of its readings.

    Ordered by operation, parameter and equipment. Units without a time of the
    operation stand at their completion.
    """
    limits = _limits(bundle)
    kept = _only(bundle, set(limits))
    if not len(kept.readings) and not kept.columns:
        return []
    population = Population.of(kept)
    found: list[Departure] = []
    for factor in reading_factors(kept, population, visits(kept, population)):
        known = limits[factor.operation, factor.name]
        found.extend(_of_factor(factor, known, population.completed))
    return found


def out_since(flags: Bools) -> int | None:
    """First reading of the stretch that is out of its limits and has not ended.

    :param flags: readings outside, in order of time. None where they do not add up, or
        where as many good ones followed as make up for them.
    """
    if int(flags.sum()) < 2:
        return None
    chart = _chart()
    found, _sums = signals(flags.astype(np.float64) - chart.allowance, chart.limit)
    return found[-1].zero if found and not found[-1].ended else None


@lru_cache(maxsize=1)
def _chart() -> CountCusum:
    return design_binomial_cusum(1, USUALLY_OUTSIDE, ARL, TIMES_MORE)


def _limits(bundle: Bundle) -> dict[tuple[str, str], _Limits]:
    """The parameters that have a limit, by operation and name."""
    rows = bundle.parameters
    rows = rows[rows["lower_limit"].notna() | rows["upper_limit"].notna()]
    keys = zip(rows["operation"], rows["parameter"], strict=True)
    said = (rows[name] for name in ("unit_of_measure", "lower_limit", "upper_limit"))
    return dict(zip(keys, map(_Limits, *said), strict=True))


def _only(bundle: Bundle, keys: set[tuple[str, str]]) -> Bundle:
    """The bundle with the readings of these (operation, parameter) alone."""
    readings = bundle.readings
    pairs = pd.MultiIndex.from_frame(readings[["operation", "parameter"]])
    columns = {key: values for key, values in bundle.columns.items() if key in keys}
    return replace(bundle, readings=readings[pairs.isin(list(keys))], columns=columns)


def _of_factor(
    factor: Numeric, limits: _Limits, completed: Floats
) -> Iterator[Departure]:
    """The machines on which the parameter is out."""
    values = factor.values
    # As exact as the readings are: one at the limit is not outside.
    low, high = np.float32(limits.lower), np.float32(limits.upper)
    beyond = (values < low) | (values > high)
    at = np.where(np.isnan(factor.at), completed, factor.at)
    names = (*factor.machines, "")
    for machine in np.unique(factor.equipment[beyond]):
        own = np.flatnonzero((factor.equipment == machine) & np.isfinite(values))
        own = own[np.argsort(at[own], kind="stable")]
        since = out_since(beyond[own])
        if since is None:
            continue
        own = own[since:]
        outside = own[beyond[own]]
        above = int((values[outside] > high).sum())
        yield Departure(
            operation=factor.operation,
            parameter=factor.name,
            equipment=names[machine],
            unit_of_measure=limits.unit_of_measure,
            lower_limit=limits.lower if np.isfinite(low) else None,
            upper_limit=limits.upper if np.isfinite(high) else None,
            side="above" if 2 * above >= outside.size else "below",
            since=float(at[outside[0]]),
            last=float(at[outside[-1]]),
            value=float(values[outside[-1]]),
            outside=int(outside.size),
            readings=int(own.size),
        )
