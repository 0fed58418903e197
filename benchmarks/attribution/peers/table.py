"""The flat table that every peer gets: one row a unit, one column a factor.

Made from the frames of a drawn line without any code of the product: the levels that
each unit met, its readings, and the age of the equipment when it ran there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

STEP_KINDS = ("equipment", "operator", "shift", "tool")
LOT_KINDS = ("lot", "supplier")
HOUR = 3600.0
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Factor:
    """A column of the table: `kind` and `name` as the product's answers have them.

    `event`: of an age, since what its hours count.
    """

    kind: str
    operation: str
    name: str
    event: str = ""

    @property
    def numeric(self) -> bool:
        return self.kind in ("parameter", "age")

    @property
    def label(self) -> str:
        return "|".join(
            filter(None, (self.kind, self.operation, self.name, self.event))
        )

    def claim(self, level: str) -> Json:
        """An answer in the form of the product's: of a number, `level` is "> 3.2"."""
        if self.kind == "age":
            level = f"hours since {self.event} {level}"
        return {
            "kind": self.kind,
            "operation": self.operation,
            "factor": self.name,
            "level": level,
            "statement": {"code": self.kind, "params": {"since": self.event}},
            "confidence": 1.0,
        }


@dataclass(frozen=True)
class Table:
    """`values[factor]`: text without nulls ("" is unknown), or float64 with NaN.

    `defective`: one flag a unit. `at`: seconds of completion. Rows are in the order
    of `units`.
    """

    values: Mapping[Factor, np.ndarray]
    defective: np.ndarray
    at: np.ndarray

    @property
    def factors(self) -> tuple[Factor, ...]:
        return tuple(self.values)


def table_of(
    frames: Mapping[str, pd.DataFrame],
    columns: Mapping[tuple[str, str], np.ndarray],
) -> Table:
    """The table of a drawn line; factors that never vary are left out."""
    units = frames["units"]
    found = {
        **dict(_products(units)),
        **dict(_steps(frames, units)),
        **dict(_lots(frames, units)),
        **dict(_readings(frames, columns, units)),
        **dict(_ages(frames, units)),
    }
    defective = units["unit"].isin(frames["defects"]["unit"]).to_numpy()
    varied = {key: column for key, column in found.items() if _varies(column)}
    return Table(varied, defective, _seconds(units["completed_at"]))


Columns = Iterator[tuple[Factor, np.ndarray]]


def _products(units: pd.DataFrame) -> Columns:
    yield Factor("product", "", "product"), _text(units["product"])


def _steps(frames: Mapping[str, pd.DataFrame], units: pd.DataFrame) -> Columns:
    """What ran each unit; after rework, the last run."""
    for operation, own in frames["steps"].groupby("operation"):
        own = _by_unit(own.sort_values("started_at"), units)
        for kind in STEP_KINDS:
            if kind in own:
                yield Factor(kind, str(operation), str(operation)), _text(own[kind])


def _lots(frames: Mapping[str, pd.DataFrame], units: pd.DataFrame) -> Columns:
    if "lots" not in frames:
        return
    for (operation, material), own in frames["lots"].groupby(["operation", "material"]):
        own = _by_unit(own, units)
        for kind in LOT_KINDS:
            if kind in own:
                yield Factor(kind, str(operation), str(material)), _text(own[kind])


def _readings(
    frames: Mapping[str, pd.DataFrame],
    columns: Mapping[tuple[str, str], np.ndarray],
    units: pd.DataFrame,
) -> Columns:
    for (operation, parameter), values in columns.items():
        yield Factor("parameter", operation, parameter), values.astype(float)
    if "readings" not in frames:
        return
    keys = ["operation", "parameter"]
    for (operation, parameter), own in frames["readings"].groupby(keys):
        values = _by_unit(own, units)["value"].to_numpy(dtype=float)
        yield Factor("parameter", str(operation), str(parameter)), values


def _ages(frames: Mapping[str, pd.DataFrame], units: pd.DataFrame) -> Columns:
    """Hours since the equipment was commissioned, and since each kind of event."""
    events = [_commissioned(frames), _events(frames)]
    events = pd.concat([frame for frame in events if len(frame)] or events)
    for operation, own in frames["steps"].groupby("operation"):
        own = _by_unit(own.sort_values("started_at"), units)
        started = _seconds(own["started_at"])
        machine = _text(own["equipment"])
        for kind in sorted(events["kind"].unique()):
            times = events[events["kind"] == kind]
            age = _hours_since(times, machine, started)
            yield Factor("age", str(operation), str(operation), str(kind)), age


def _commissioned(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    known = frames.get("equipment")
    if known is None:
        return pd.DataFrame({"equipment": [], "at": [], "kind": []})
    born = known[["equipment", "commissioned_at"]].dropna()
    return born.rename(columns={"commissioned_at": "at"}).assign(kind="commissioning")


def _events(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return frames.get("equipment_events", pd.DataFrame({"kind": []}))


def _hours_since(
    events: pd.DataFrame, machine: np.ndarray, started: np.ndarray
) -> np.ndarray:
    age = np.full(machine.size, np.nan)
    for name in np.unique(machine):
        at = np.sort(_seconds(events.loc[events["equipment"] == name, "at"]))
        rows = np.flatnonzero(machine == name)
        place = np.searchsorted(at, started[rows], side="right") - 1
        known = place >= 0
        age[rows[known]] = (started[rows[known]] - at[place[known]]) / HOUR
    return age


def _by_unit(rows: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    return (
        rows.drop_duplicates("unit", keep="last")
        .set_index("unit")
        .reindex(units["unit"])
    )


def _text(column: pd.Series) -> np.ndarray:
    return column.astype("object").fillna("").to_numpy().astype(str)


def _seconds(times: pd.Series) -> np.ndarray:
    at = pd.to_datetime(times, utc=True)
    return (at - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy()


def _varies(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)] if column.dtype.kind == "f" else column
    return known.size > 0 and bool((known != known[0]).any())
