"""The analysis bundle in memory: frames checked at the door, then trusted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.core.contract import COLUMNS, KEYS, NEEDED_FILES
from analytics.core.convert import converted
from analytics.core.errors import BundleError

ReadingColumns = Mapping[tuple[str, str], NDArray[np.float32]]


@dataclass(frozen=True)
class Bundle:
    """What is known about a set of units, one frame for each file of the contract.

    Every frame has all columns of `contract.COLUMNS`: text without nulls (unknown
    is ""), times as UTC timestamps, numbers as float64. `columns` holds readings
    in the column layout: (operation, parameter) -> one value for each row of
    `units`, NaN where there is none. A bundle may use either layout or both.
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
        frames: Mapping[str, pd.DataFrame],
        columns: ReadingColumns | None = None,
    ) -> Bundle:
        """Check frames named as the files of the contract and make a bundle of them.

        Unknown columns are ignored. Without `inspections` every unit counts as
        inspected when it was completed.

        :raises BundleError: naming file, column and row of the first fault.
        """
        checked = {file: _checked(file, frames.get(file)) for file in COLUMNS}
        units = checked["units"]
        for file, frame in checked.items():
            _refuse_unknown_units(file, frame, units)
        if "inspections" not in frames:
            checked["inspections"] = _inspected_at_completion(units)
        return cls(**checked, columns=_checked_columns(columns or {}, len(units)))

    def of_lines(self, lines: Collection[str]) -> Bundle:
        """The part of the bundle that tells of the units of some lines."""
        kept = self.units["line"].isin(list(lines))
        names = self.units.loc[kept, "unit"]
        parts = {file: _part(getattr(self, file), names) for file in COLUMNS}
        rows = kept.to_numpy()
        columns = {key: values[rows] for key, values in self.columns.items()}
        return Bundle(**parts, columns=columns)


def _part(frame: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    if "unit" not in frame:
        return frame
    return frame[frame["unit"].isin(units)].reset_index(drop=True)


def _checked(file: str, frame: pd.DataFrame | None) -> pd.DataFrame:
    if frame is None:
        if file in NEEDED_FILES:
            raise BundleError(file, "the file is missing", "Every bundle needs it")
        frame = pd.DataFrame({c.name: [] for c in COLUMNS[file]})
    whole = pd.DataFrame(
        {column.name: converted(file, frame, column) for column in COLUMNS[file]},
        index=pd.RangeIndex(len(frame)),
    )
    _refuse_duplicates(file, whole)
    return whole


def _refuse_duplicates(file: str, frame: pd.DataFrame) -> None:
    if file not in KEYS:
        return
    keys = list(KEYS[file])
    twice = np.flatnonzero(frame.duplicated(keys).to_numpy())
    if not twice.size:
        return
    row = int(twice[0])
    named = " / ".join(str(frame[key].iloc[row]) for key in keys)
    raise BundleError(
        file,
        f"{named!r} appears more than once",
        "Keep one row for each",
        column=keys[-1],
        row=row,
    )


def _refuse_unknown_units(file: str, frame: pd.DataFrame, units: pd.DataFrame) -> None:
    if file == "units" or "unit" not in frame:
        return
    unknown = np.flatnonzero(~frame["unit"].isin(units["unit"]).to_numpy())
    if unknown.size:
        row = int(unknown[0])
        raise BundleError(
            file,
            f"unit {str(frame['unit'].iloc[row])!r} is not in units",
            "Add it to units or leave this row out",
            column="unit",
            row=row,
        )


def _inspected_at_completion(units: pd.DataFrame) -> pd.DataFrame:
    blank = pd.Series("", index=units.index, dtype="str")
    return pd.DataFrame(
        {
            "unit": units["unit"],
            "inspected_at": units["completed_at"],
            "inspection": blank,
            "station": blank,
        }
    )


def _checked_columns(columns: ReadingColumns, n_units: int) -> ReadingColumns:
    for (operation, parameter), values in columns.items():
        name = f"readings/{operation}/{parameter}"
        if values.shape != (n_units,):
            raise BundleError(
                name,
                f"it has {len(values)} rows and units has {n_units}",
                "Write one row for each unit, in the order of units",
            )
        infinite = np.flatnonzero(np.isinf(values))
        if infinite.size:
            raise BundleError(
                name, "a value is infinite", "Write null", row=int(infinite[0])
            )
    return columns
