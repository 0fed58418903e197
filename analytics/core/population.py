"""The units under study: their order in time, their strata, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analytics.core.arrays import Bools, Codes, Floats, Ints
from analytics.core.frames import Bundle

EPOCH = pd.Timestamp("1970-01-01", tz="UTC")


def seconds(times: pd.Series) -> Floats:
    """Seconds since 1970 in UTC; NaN where there is no time."""
    values = (times - EPOCH) / pd.Timedelta(seconds=1)
    return np.asarray(values, dtype=np.float64)


def timestamp(at: float) -> pd.Timestamp:
    """The UTC time, to the second, of seconds since 1970."""
    return EPOCH + pd.Timedelta(seconds=round(at))


@dataclass(frozen=True)
class Population:
    """All units in order of completion; every array has one entry for each.

    `rows`: place of the unit in `bundle.units`. `strata`: code of product and line,
    the nuisances that a cause is compared within.
    """

    ids: pd.Index
    rows: Ints
    completed: Floats
    strata: Ints
    n_strata: int

    @classmethod
    def of(cls, bundle: Bundle) -> Population:
        units = bundle.units
        completed = seconds(units["completed_at"])
        rows = np.lexsort((units["unit"].to_numpy(dtype=object), completed))
        ordered = units.iloc[rows]
        codes, names = pd.factorize(
            ordered["product"] + "\0" + ordered["line"], sort=True
        )
        return cls(
            ids=pd.Index(ordered["unit"].to_numpy(dtype=object)),
            rows=rows.astype(np.int64),
            completed=completed[rows],
            strata=codes.astype(np.int64),
            n_strata=len(names),
        )

    @property
    def size(self) -> int:
        return len(self.ids)

    @cached_property
    def everyone(self) -> Codes:
        """The places of all units: 0, 1, 2 …; one array for all who need it."""
        return np.arange(self.size, dtype=np.int32)

    def places(self, units: pd.Series) -> Codes:
        """Where each named unit stands in this order."""
        places = self.ids.get_indexer(pd.Index(units.to_numpy(dtype=object)))
        return places.astype(np.int32)


@dataclass(frozen=True)
class Outcome:
    """One class of defect over a population.

    `inspected`: the unit was looked at. `defective`: the class was found on it.
    `seen_at`: seconds; the first inspection that found it, else the last one, else
    completion. What happened to the unit later cannot be a cause.
    """

    defect_class: str
    inspected: Bools
    defective: Bools
    seen_at: Floats


def outcome_of(bundle: Bundle, population: Population, defect_class: str) -> Outcome:
    """What the inspections say of one class; a found defect implies an inspection."""
    looked = population.places(bundle.inspections["unit"])
    found = bundle.defects[bundle.defects["defect_class"] == defect_class]
    defective = np.zeros(population.size, dtype=bool)
    defective[population.places(found["unit"])] = True
    inspected = defective.copy()
    inspected[looked] = True
    return Outcome(
        defect_class, inspected, defective, first_sight(bundle, population, found)
    )


def first_sight(bundle: Bundle, population: Population, found: pd.DataFrame) -> Floats:
    """Seconds: each unit's first look that `found` names, else its last look.

    A unit that was never looked at has its completion.
    """
    seen_at = np.full(population.size, -np.inf)
    np.maximum.at(
        seen_at,
        population.places(bundle.inspections["unit"]),
        seconds(bundle.inspections["inspected_at"]),
    )
    seen_at = np.where(np.isfinite(seen_at), seen_at, population.completed)
    known = bundle.inspections[bundle.inspections["inspection"] != ""]
    named = found[["unit", "inspection"]].merge(known, on=["unit", "inspection"])
    first = np.full(population.size, np.inf)
    np.minimum.at(
        first, population.places(named["unit"]), seconds(named["inspected_at"])
    )
    return np.where(np.isfinite(first), first, seen_at)
