"""The analysis bundle in memory: frames checked at the door, then trusted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analytics.core import texts
from analytics.core.arrays import Codes, Ints
from analytics.core.checks import check_rows
from analytics.core.coding import codes_of
from analytics.core.columns import (
    FarColumns,
    Key,
    ReadingColumns,
    Values,
    in_order,
    refuse_both_layouts,
)
from analytics.core.contract import COLUMNS, NEEDED_FILES, Column
from analytics.core.convert import converted, refuse
from analytics.core.errors import BundleError
from analytics.core.tables import Table, picked
from analytics.core.texts import UnitNames


@dataclass(frozen=True)
class Bundle:
    """What is known about a set of units, one frame for each file of the contract.

    `units` stand in order of completion, then of their names, whatever their order in
    the file was. Every frame has all columns of `contract.COLUMNS`: text as categories
    without nulls (unknown is ""), times as UTC timestamps, numbers as float64. The
    categories of every column `unit` are the units in their order, so that its codes
    are rows of `units`. `columns` holds readings in the column layout: (operation,
    parameter) -> one float32 for each row of `units`, NaN where there is none. A bundle
    may use either layout or both.
    """

    units: pd.DataFrame
    steps: pd.DataFrame
    lots: pd.DataFrame
    readings: pd.DataFrame
    parameters: pd.DataFrame
    equipment: pd.DataFrame
    equipment_events: pd.DataFrame
    inspections: pd.DataFrame
    defects: pd.DataFrame
    columns: ReadingColumns = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        tables: Mapping[str, Table],
        columns: ReadingColumns | Iterable[tuple[Key, Values]] | None = None,
    ) -> Bundle:
        """Check tables named as the files of the contract and make a bundle of them.

        Unknown columns are ignored. Without `inspections` every unit counts as
        inspected when it was completed. `columns` have a value for each unit in the
        order of the table; each is let go before the next is taken.

        :raises BundleError: naming file, column and row of the first fault.
        """
        names, units, order = _units(_table("units", tables))
        frames = {"units": units}
        for file in COLUMNS:
            if file != "units":
                frames[file] = _frame(file, _table(file, tables), names)
        if "inspections" not in tables:
            frames["inspections"] = _inspected_at_completion(units)
        ordered = _ordered(columns, order, len(units))
        refuse_both_layouts(ordered, frames["readings"])
        return cls(**frames, columns=ordered)

    def of_lines(self, lines: Collection[str]) -> Bundle:
        """The part of the bundle that tells of the units of some lines."""
        kept = self.units["line"].isin(list(lines)).to_numpy()
        names = self.units["unit"].cat.categories[kept]
        place = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
        units = UnitNames.of(pa.array(names).cast(texts.TEXT))
        frames = {file: _part(getattr(self, file), place, units) for file in COLUMNS}
        columns = {key: values[kept] for key, values in self.columns.items()}
        return Bundle(**frames, columns=columns)


def _ordered(
    columns: ReadingColumns | Iterable[tuple[Key, Values]] | None,
    order: Ints | None,
    n_units: int,
) -> ReadingColumns:
    if isinstance(columns, FarColumns):
        return columns.in_order(order, n_units)
    pairs = columns.items() if isinstance(columns, Mapping) else columns or ()
    return in_order(pairs, order, n_units)


def _part(frame: pd.DataFrame, place: Codes, units: UnitNames) -> pd.DataFrame:
    if "unit" not in frame:
        return frame
    places = place[codes_of(frame["unit"])[0]]
    part = frame[places >= 0].reset_index(drop=True)
    return part.assign(unit=units.column(places[places >= 0]))


def _table(file: str, tables: Mapping[str, Table]) -> Table:
    if file in tables:
        return tables[file]
    if file in NEEDED_FILES:
        raise BundleError(file, "the file is missing", "Every bundle needs it")
    return pa.table({column.name: pa.nulls(0) for column in COLUMNS[file]})


def _units(table: Table) -> tuple[UnitNames, pd.DataFrame, Ints | None]:
    """Names and frame of the units in their order, and that order unless it was so."""
    found = {c.name: _column("units", table, c) for c in COLUMNS["units"]}
    frame = pd.DataFrame(found)
    check_rows("units", frame)
    names = pa.array(frame["unit"]).cast(texts.TEXT)
    order = _order(frame["completed_at"], names)
    if order is not None:
        frame, names = frame.iloc[order].reset_index(drop=True), names.take(order)
    units = UnitNames.of(names)
    frame["unit"] = units.column(np.arange(len(frame), dtype=np.int32))
    return units, frame, order


def _order(completed: pd.Series, names: pa.Array) -> Ints | None:
    """Rows in order of completion, then of their names; None if they are."""
    keys = pa.table({"at": pa.array(completed), "name": names})
    by = [("at", "ascending"), ("name", "ascending")]
    order: Ints = pc.sort_indices(keys, sort_keys=by).to_numpy().astype(np.int64)
    return None if (order[1:] > order[:-1]).all() else order


def _frame(file: str, table: Table, units: UnitNames) -> pd.DataFrame:
    found = {}
    for column in COLUMNS[file]:
        if column.kind == "unit":
            found[column.name] = _named_units(file, table, column, units)
        else:
            found[column.name] = _column(file, table, column)
    frame = pd.DataFrame(found)
    check_rows(file, frame)
    return frame


def _column(file: str, table: Table, column: Column) -> pd.Series:
    return converted(file, picked(file, table, column), column)


def _named_units(
    file: str, table: Table, column: Column, units: UnitNames
) -> pd.Series:
    values = picked(file, table, column)
    texts.refuse_other(file, column.name, values)
    places = units.places(values)
    if (places < 0).any():
        text = converted(file, values, column)
        problem = "unit {!r} is not in units"
        hint = "Add it to units or leave this row out"
        refuse(file, places < 0, column.name, problem, hint, text)
    return units.column(places)


def _inspected_at_completion(units: pd.DataFrame) -> pd.DataFrame:
    blank = pd.Series("", index=units.index, dtype="str")
    return pd.DataFrame(
        {
            "unit": units["unit"],
            "inspected_at": units["completed_at"],
            "inspection": blank.astype("str"),
            "station": blank.astype("category"),
        }
    )
