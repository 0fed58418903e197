"""The units under study: their order in time, their strata, and what was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.core.arrays import Bools, Codes, Floats
from analytics.core.coding import codes_of
from analytics.core.frames import Bundle

EPOCH = pd.Timestamp("1970-01-01", tz="UTC")


def seconds(times: pd.Series) -> Floats:
    """Seconds since 1970 in UTC; NaN where there is no time."""
    moments = times.dt.tz_convert(None).to_numpy(dtype="datetime64[us]")
    found: Floats = moments.view(np.int64) / 1e6
    found[np.isnat(moments)] = np.nan
    return found


def timestamp(at: float) -> pd.Timestamp:
    """The UTC time, to the second, of seconds since 1970."""
    return EPOCH + pd.Timedelta(seconds=round(at))


@dataclass(frozen=True)
class Population:
    """All units in order of completion; every array has one entry for each.

    `rows`: place of the unit in `bundle.units`, which has the same order: 0, 1, 2 …,
    one array for all who need it. `strata`: code of product and line, the nuisances
    that a cause is compared within.
    """

    ids: pd.Index
    rows: Codes
    completed: Floats
    strata: Codes
    n_strata: int

    @classmethod
    def of(cls, bundle: Bundle) -> Population:
        units = bundle.units
        product, _ = codes_of(units["product"])
        line, lines = codes_of(units["line"])
        strata, known = pd.factorize(product * np.int64(len(lines)) + line, sort=True)
        return cls(
            ids=units["unit"].cat.categories,
            rows=np.arange(len(units), dtype=np.int32),
            completed=seconds(units["completed_at"]),
            strata=strata.astype(np.int32),
            n_strata=len(known),
        )

    @property
    def size(self) -> int:
        return len(self.ids)

    def places(self, units: pd.Series) -> Codes:
        """Where each unit stands in this order; columns of the bundle know it."""
        coded = isinstance(units.dtype, pd.CategoricalDtype)
        if coded and units.cat.categories.equals(self.ids):
            return codes_of(units)[0]
        found = self.ids.get_indexer(pd.Index(units.astype("str")))
        return found.astype(np.int32)


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


def outcome_of(
    bundle: Bundle,
    population: Population,
    defect_class: str,
    own: pd.DataFrame | None = None,
) -> Outcome:
    """What the inspections say of one class; a found defect implies an inspection.

    `own`: the defects of one cluster of the class. Units that have the class only in
    another cluster were looked at and are not defective.
    """
    every = bundle.defects[bundle.defects["defect_class"] == defect_class]
    found = every if own is None else own
    defective = np.zeros(population.size, dtype=bool)
    defective[population.places(found["unit"])] = True
    inspected = np.zeros(population.size, dtype=bool)
    inspected[population.places(every["unit"])] = True
    inspected[population.places(bundle.inspections["unit"])] = True
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
    looks = looks_named(bundle.inspections, found)
    first = np.full(population.size, np.inf)
    np.minimum.at(
        first, population.places(looks["unit"]), seconds(looks["inspected_at"])
    )
    return np.where(np.isfinite(first), first, seen_at)


def looks_named(looks: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The inspections that defects name, of the units that have these defects."""
    unit, names = codes_of(looks["unit"])
    bad = np.zeros(len(names), dtype=bool)
    bad[codes_of(found["unit"])[0]] = True
    own = looks[bad[unit]]
    own = own[own["inspection"] != ""]
    return found[["unit", "inspection"]].merge(own, on=["unit", "inspection"])
