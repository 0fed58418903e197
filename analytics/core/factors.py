"""Factors: everything recorded about a unit that could be behind a defect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.core.arrays import Codes, Floats
from analytics.core.coding import NOBODY, codes_of, groups, met_levels, split
from analytics.core.frames import Bundle
from analytics.core.met import Met
from analytics.core.population import Population, seconds
from analytics.core.rework import judged_at, run_order

__all__ = [
    "NOBODY",
    "Categorical",
    "Numeric",
    "Visit",
    "age_factors",
    "categorical_factors",
    "reading_factors",
    "visits",
]

Values = NDArray[np.float32]
KINDS_OF_RUN = ("equipment", "operator", "shift", "tool")


@dataclass(frozen=True)
class Categorical:
    """Which level each unit met: one entry for each (unit, level), times in seconds.

    A unit may have met several levels (rework, two feeders). Entries are in order of
    unit, then level. Factors that all units met once share one array `unit`, and those
    of one operation one array `at`: never write into them.
    """

    kind: str
    operation: str
    name: str
    levels: tuple[str, ...]
    unit: Codes
    level: Codes
    at: Floats


@dataclass(frozen=True)
class Numeric:
    """One number for each unit, NaN where there is none.

    `equipment`: code into `machines` of what ran the unit there, or `NOBODY`.
    `name`: the parameter, or the event since which an age counts (hours). `at`,
    `equipment` and `machines` are those of the operation's `Visit`, shared.
    """

    kind: str
    operation: str
    name: str
    values: Values
    at: Floats
    equipment: Codes
    machines: tuple[str, ...]

    @property
    def varies(self) -> bool:
        """Has it two values?"""
        known = self.values[np.isfinite(self.values)]
        return known.size > 1 and bool(known.min() < known.max())


@dataclass(frozen=True)
class Visit:
    """The run of each unit at one operation that counts: see `rework`.

    `at`: when it began, `first`: when the unit's first run there began; both are
    NaN where there is none, and one array where no unit ran twice.
    """

    at: Floats
    first: Floats
    equipment: Codes
    machines: tuple[str, ...]

    @classmethod
    def nowhere(cls, size: int) -> Visit:
        """Of an operation of which no run is known."""
        never = np.full(size, np.nan)
        return cls(never, never, np.full(size, NOBODY, dtype=np.int32), ())

    def numeric(self, kind: str, operation: str, name: str, values: Values) -> Numeric:
        """The factor of values that were taken in these runs."""
        return Numeric(
            kind, operation, name, values, self.at, self.equipment, self.machines
        )


def visits(bundle: Bundle, population: Population) -> dict[str, Visit]:
    """The run of each unit that counts, at each operation that has any run."""
    steps = bundle.steps
    place = population.places(steps["unit"])
    started = seconds(steps["started_at"])
    run_no = steps["run_no"].to_numpy(dtype=np.float64)
    judged = judged_at(bundle, population)
    machine, names = codes_of(steps["equipment"])
    found: dict[str, Visit] = {}
    for operation, rows in groups(steps["operation"]):
        order, once = run_order(place[rows], started[rows], run_no[rows], judged)
        own = rows[order]
        codes, machines = met_levels(machine[own], names)
        at = np.full(population.size, np.nan)
        equipment = np.full(population.size, NOBODY, dtype=np.int32)
        at[place[own]] = started[own]
        equipment[place[own]] = codes
        first = at if once else _first(place[own], started[own], population.size)
        found[operation] = Visit(at, first, equipment, machines)
    return found


def _first(place: Codes, started: Floats, size: int) -> Floats:
    first = np.full(size, np.nan)
    np.fmin.at(first, place, started)
    return first


def categorical_factors(
    bundle: Bundle, population: Population, met: dict[str, Visit]
) -> Iterator[Categorical]:
    """Equipment, operator, shift and tool by operation; lot, supplier by material."""
    steps = bundle.steps
    place = population.places(steps["unit"])
    started = seconds(steps["started_at"])
    coded = {kind: codes_of(steps[kind]) for kind in KINDS_OF_RUN}
    for operation, rows in groups(steps["operation"]):
        whole = met[operation].at
        runs = Met.of(rows, place[rows], started[rows], population, whole)
        for kind, (codes, names) in coded.items():
            yield from _categorical(kind, operation, operation, codes, names, runs)
    yield from _lot_factors(bundle.lots, population, met)


def _lot_factors(
    lots: pd.DataFrame, population: Population, met: dict[str, Visit]
) -> Iterator[Categorical]:
    """A lot has no time of its own: it was used when the operation first ran."""
    place = population.places(lots["unit"])
    at_operation, operations = codes_of(lots["operation"])
    coded = {kind: codes_of(lots[kind]) for kind in ("lot", "supplier")}
    for material, rows in groups(lots["material"]):
        where, used_at = met_levels(at_operation[rows], operations)
        used, whole = _used(where, used_at, place[rows], met)
        uses = Met.of(rows, place[rows], used, population, whole)
        for kind, (codes, names) in coded.items():
            yield from _categorical(kind, used_at[0], material, codes, names, uses)


def _used(
    where: Codes, operations: tuple[str, ...], place: Codes, met: dict[str, Visit]
) -> tuple[Floats, Floats | None]:
    """When each row's unit first ran at its operation; all units' times if it is one.

    `where`: code of each row into `operations`.
    """
    used = np.full(place.size, np.nan)
    for code, operation in enumerate(operations):
        if operation in met:
            own = where == code
            used[own] = met[operation].first[place[own]]
    only = met.get(operations[0]) if len(operations) == 1 else None
    return used, only.first if only else None


def _categorical(
    kind: str,
    operation: str,
    name: str,
    codes: Codes,
    names: pd.Index,
    met: Met,
) -> Iterator[Categorical]:
    """The factor, if it has several levels. `codes`: of all rows of the frame."""
    level, levels = met_levels(codes[met.rows], names)
    if len(levels) > 1:
        yield Categorical(kind, operation, name, levels, *met.levels(level))


def reading_factors(
    bundle: Bundle, population: Population, met: dict[str, Visit]
) -> Iterator[Numeric]:
    """One numeric factor for each (operation, parameter), taken in the counting run."""
    columns = dict(_long_columns(bundle.readings, population)) | dict(bundle.columns)
    nowhere = Visit.nowhere(population.size)
    for operation, parameter in sorted(columns):
        values = columns[operation, parameter]
        visit = met.get(operation, nowhere)
        yield visit.numeric("parameter", operation, parameter, values)


def _long_columns(
    readings: pd.DataFrame, population: Population
) -> Iterator[tuple[tuple[str, str], Values]]:
    """Readings in rows, as one column for each (operation, parameter)."""
    place = population.places(readings["unit"])
    values = readings["value"].to_numpy(dtype=np.float32)
    parameter, names = codes_of(readings["parameter"])
    for operation, rows in groups(readings["operation"]):
        for code, own in enumerate(split(parameter[rows], len(names))):
            if own.size:
                column = np.full(population.size, np.nan, dtype=np.float32)
                column[place[rows[own]]] = values[rows[own]]
                yield (operation, str(names[code])), column


def age_factors(bundle: Bundle, met: dict[str, Visit]) -> Iterator[Numeric]:
    """Hours since commissioning and since each kind of event of the equipment.

    Before the first recorded event the age is unknown. Since commissioning is only
    a factor where several machines differ: on one machine it is the calendar.
    """
    kinds = sorted(bundle.equipment_events["kind"].unique())
    for operation in sorted(met):
        visit = met[operation]
        born = _commissioned(bundle, operation, visit)
        if np.unique(born[np.isfinite(born)]).size > 1:
            age = (visit.at - _of_machine(born, visit)) / 3600
            yield visit.numeric("age", operation, "commissioning", _hours(age))
        for kind in kinds:
            age = (visit.at - _last_event(bundle, kind, visit)) / 3600
            if np.isfinite(age).any():
                yield visit.numeric("age", operation, kind, _hours(age))


def _hours(age: Floats) -> Values:
    return np.where(age >= 0, age, np.nan).astype(np.float32)


def _commissioned(bundle: Bundle, operation: str, visit: Visit) -> Floats:
    known = bundle.equipment[bundle.equipment["operation"] == operation]
    at = dict(zip(known["equipment"], seconds(known["commissioned_at"]), strict=True))
    return np.array([at.get(name, np.nan) for name in visit.machines])


def _of_machine(values: Floats, visit: Visit) -> Floats:
    """The machine's value for each unit, NaN where no machine is known."""
    return np.append(values, np.nan)[visit.equipment]


def _last_event(bundle: Bundle, kind: str, visit: Visit) -> Floats:
    """When the equipment of each unit last had such an event before the run."""
    events = bundle.equipment_events
    events = events[events["kind"] == kind]
    at = seconds(events["at"])
    last = np.full(visit.at.size, np.nan)
    looked_after = dict(groups(events["equipment"]))
    for machine, rows in zip(
        visit.machines, split(visit.equipment, len(visit.machines)), strict=True
    ):
        own = np.sort(at[looked_after.get(machine, [])])
        before = np.searchsorted(own, visit.at[rows], side="right") - 1
        last[rows[before >= 0]] = own[before[before >= 0]]
    return last
