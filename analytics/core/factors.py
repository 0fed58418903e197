"""Factors: everything recorded about a unit that could be behind a defect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.core.arrays import Floats, Ints
from analytics.core.frames import Bundle
from analytics.core.population import Population, seconds
from analytics.core.rework import counting_last, judged_at

NOBODY = -1
"""Code of a missing level."""


@dataclass(frozen=True)
class Categorical:
    """Which level each unit met: one entry for each (unit, level), times in seconds.

    A unit may have met several levels (rework, two feeders).
    """

    kind: str
    operation: str
    name: str
    levels: tuple[str, ...]
    unit: Ints
    level: Ints
    at: Floats


@dataclass(frozen=True)
class Numeric:
    """One number for each unit, NaN where there is none.

    `equipment`: code into `machines` of what ran the unit there, or `NOBODY`.
    `name`: the parameter, or the event since which an age counts (hours).
    """

    kind: str
    operation: str
    name: str
    values: Floats
    at: Floats
    equipment: Ints
    machines: tuple[str, ...]


@dataclass(frozen=True)
class Visit:
    """The run of each unit at one operation that counts: see `rework`.

    `at`: when it began, `first`: when the unit's first run there began; both are
    NaN where there is none.
    """

    at: Floats
    first: Floats
    equipment: Ints
    machines: tuple[str, ...]


def visits(bundle: Bundle, population: Population) -> dict[str, Visit]:
    """The run of each unit that counts, at each operation that has any run."""
    steps = bundle.steps
    place = population.places(steps["unit"])
    started = seconds(steps["started_at"])
    run_no = steps["run_no"].to_numpy(dtype=np.float64)
    judged = judged_at(bundle, population)
    found: dict[str, Visit] = {}
    for operation, rows in _groups(steps, "operation"):
        order = counting_last(started[rows], run_no[rows], judged[place[rows]])
        own = rows[order]
        codes, machines = _codes(steps["equipment"].iloc[own])
        at = np.full(population.size, np.nan)
        first = np.full(population.size, np.nan)
        equipment = np.full(population.size, NOBODY, dtype=np.int64)
        at[place[own]] = started[own]
        np.fmin.at(first, place[own], started[own])
        equipment[place[own]] = codes
        found[operation] = Visit(at, first, equipment, machines)
    return found


def categorical_factors(
    bundle: Bundle, population: Population, met: dict[str, Visit]
) -> Iterator[Categorical]:
    """Equipment, operator, shift and tool by operation; lot, supplier by material."""
    steps = bundle.steps
    place = population.places(steps["unit"])
    started = seconds(steps["started_at"])
    for operation, rows in _groups(steps, "operation"):
        for kind in ("equipment", "operator", "shift", "tool"):
            yield from _categorical(
                kind, operation, operation, steps[kind], rows, place, started
            )
    yield from _lot_factors(bundle.lots, population, met)


def _lot_factors(
    lots: pd.DataFrame, population: Population, met: dict[str, Visit]
) -> Iterator[Categorical]:
    """A lot has no time of its own: it was used when the operation first ran."""
    place = population.places(lots["unit"])
    used = np.full(len(lots), np.nan)
    for operation, rows in _groups(lots, "operation"):
        if operation in met:
            used[rows] = met[operation].first[place[rows]]
    for material, rows in _groups(lots, "material"):
        operation = str(lots["operation"].iloc[rows].min())
        for kind in ("lot", "supplier"):
            yield from _categorical(
                kind, operation, material, lots[kind], rows, place, used
            )


def _categorical(
    kind: str,
    operation: str,
    name: str,
    labels: pd.Series,
    rows: Ints,
    place: Ints,
    at: Floats,
) -> Iterator[Categorical]:
    codes, levels = _codes(labels.iloc[rows])
    if len(levels) < 2:
        return
    met = pd.DataFrame({"unit": place[rows], "level": codes, "at": at[rows]})
    met = met[codes != NOBODY]
    first = met.groupby(["unit", "level"], sort=True)["at"].min().reset_index()
    yield Categorical(
        kind,
        operation,
        name,
        levels,
        first["unit"].to_numpy(dtype=np.int64),
        first["level"].to_numpy(dtype=np.int64),
        first["at"].to_numpy(dtype=np.float64),
    )


def reading_factors(
    bundle: Bundle, population: Population, met: dict[str, Visit]
) -> Iterator[Numeric]:
    """One numeric factor for each (operation, parameter), taken in the counting run."""
    readings = bundle.readings
    place = population.places(readings["unit"])
    values = readings["value"].to_numpy(dtype=np.float64)
    label = readings["operation"] + "\0" + readings["parameter"]
    columns: dict[tuple[str, str], Floats] = {
        key: column[population.rows].astype(np.float64)
        for key, column in bundle.columns.items()
    }
    codes, names = pd.factorize(label, sort=True)
    for code, rows in enumerate(_split(codes, len(names))):
        operation, parameter = names[code].split("\0")
        column = np.full(population.size, np.nan)
        column[place[rows]] = values[rows]
        columns[operation, parameter] = column
    for operation, parameter in sorted(columns):
        yield _numeric(
            "parameter",
            operation,
            parameter,
            columns[operation, parameter],
            met.get(operation),
        )


def _numeric(
    kind: str, operation: str, name: str, values: Floats, visit: Visit | None
) -> Numeric:
    if visit is None:
        nowhere = np.full(values.size, NOBODY, dtype=np.int64)
        never = np.full(values.size, np.nan)
        return Numeric(kind, operation, name, values, never, nowhere, ())
    return Numeric(
        kind, operation, name, values, visit.at, visit.equipment, visit.machines
    )


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
            yield _numeric("age", operation, "commissioning", _hours(age), visit)
        for kind in kinds:
            age = (visit.at - _last_event(bundle, kind, visit)) / 3600
            if np.isfinite(age).any():
                yield _numeric("age", operation, kind, _hours(age), visit)


def _hours(age: Floats) -> Floats:
    return np.where(age >= 0, age, np.nan)


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
    for code, machine in enumerate(visit.machines):
        own = np.sort(at[(events["equipment"] == machine).to_numpy()])
        rows = np.flatnonzero(visit.equipment == code)
        before = np.searchsorted(own, visit.at[rows], side="right") - 1
        last[rows[before >= 0]] = own[before[before >= 0]]
    return last


def _codes(labels: pd.Series) -> tuple[Ints, tuple[str, ...]]:
    """Codes of sorted levels; "" is `NOBODY`."""
    codes, levels = pd.factorize(labels.replace("", None), sort=True)
    return codes.astype(np.int64), tuple(str(level) for level in levels)


def _groups(frame: pd.DataFrame, column: str) -> Iterator[tuple[str, Ints]]:
    codes, names = pd.factorize(frame[column], sort=True)
    for name, rows in zip(names, _split(codes, len(names)), strict=True):
        yield str(name), rows


def _split(codes: Ints, n: int) -> list[Ints]:
    """Rows of each code 0..n-1, in their order."""
    order = np.argsort(codes, kind="stable").astype(np.int64)
    ends = np.cumsum(np.bincount(codes, minlength=n))
    return np.split(order, ends)[:n]
