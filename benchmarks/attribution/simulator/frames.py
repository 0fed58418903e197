"""A drawn line as the frames and the files of an analysis bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.attribution.simulator.clock import timestamps
from benchmarks.attribution.simulator.decoys import tool_name
from benchmarks.attribution.simulator.line import SHIFTS, Key, Line
from benchmarks.attribution.simulator.lots import Material
from benchmarks.attribution.simulator.readings import DIGITS
from benchmarks.attribution.simulator.truth import Bools, Planted

DEFECT_CLASS = "void"
RUN_SHARE = 0.8
LIMITS = 5.0
"""Distance of the specification limits from the mean, in spreads."""
Frames = dict[str, pd.DataFrame]
Columns = dict[Key, NDArray[np.float32]]


def line_frames(line: Line, columns: Columns, defective: Bools) -> Frames:
    """All files of the bundle but the readings, which stay columns."""
    unit = np.array([f"U{k:07d}" for k in range(line.size)], dtype=object)
    last = line.operations[-1]
    return {
        "units": pd.DataFrame(
            {
                "unit": unit,
                "product": _names(line.products, line.product),
                "batch": "",
                "completed_at": timestamps(line.start(last) + _takes(line, last)),
            }
        ),
        "steps": pd.concat(
            [_steps(line, unit, operation) for operation in line.operations],
            ignore_index=True,
        ),
        "lots": pd.concat(
            [_lots(unit, material) for material in line.materials.values()],
            ignore_index=True,
        ),
        "parameters": _parameters(line, columns),
        "equipment": _equipment(line),
        "equipment_events": _events(line),
        "defects": pd.DataFrame(
            {"unit": unit[defective], "defect_class": DEFECT_CLASS}
        ),
    }


def _parameters(line: Line, columns: Columns) -> pd.DataFrame:
    """A third of the readings has specification limits, far out."""
    frame = pd.DataFrame(list(columns), columns=["operation", "parameter"])
    scale = np.array([line.scale[key] for key in columns]).reshape(-1, 2)
    limited = np.arange(len(frame)) % 3 == 0
    for name, side in (("lower_limit", -LIMITS), ("upper_limit", LIMITS)):
        limits = np.round(scale[:, 0] + side * scale[:, 1], 1)
        frame[name] = np.where(limited, limits, np.nan)
    return frame


def _names(names: tuple[str, ...], codes: NDArray[np.int64]) -> NDArray[np.object_]:
    return np.array(names, dtype=object)[codes]


def _takes(line: Line, operation: str) -> float:
    """Hours that a unit spends at an operation."""
    return RUN_SHARE * min(np.diff([0.0, *line.lag.values()]))


def _steps(line: Line, unit: NDArray[np.object_], operation: str) -> pd.DataFrame:
    begin = line.start(operation)
    frame = pd.DataFrame(
        {
            "unit": unit,
            "operation": operation,
            "equipment": _names(line.machines[operation], line.machine[operation]),
            "operator": _names(line.crews, line.crew(operation)),
            "shift": _names(SHIFTS, line.shift_number(operation) % 3),
            "started_at": timestamps(begin),
            "ended_at": timestamps(begin + _takes(line, operation)),
        }
    )
    if line.tool:
        frame["tool"] = _tools(line, operation)
    return frame


def _tools(line: Line, operation: str) -> NDArray[np.object_] | str:
    if operation not in line.tool:
        return ""
    codes = line.tool[operation]
    names = tuple(tool_name(operation, k) for k in range(int(codes.max()) + 1))
    return _names(names, codes)


def _lots(unit: NDArray[np.object_], material: Material) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit": unit,
            "operation": material.operation,
            "material": material.name,
            "lot": material.lot_names()[material.lot],
            "supplier": material.supplier_names()[material.supplier[material.lot]],
        }
    )


def _equipment(line: Line) -> pd.DataFrame:
    rows = [(name, op) for op in line.operations for name in line.machines[op]]
    frame = pd.DataFrame(rows, columns=["equipment", "operation"])
    born = np.array([line.commissioned[name] for name in frame["equipment"]])
    frame["commissioned_at"] = timestamps(born)
    return frame


def _events(line: Line) -> pd.DataFrame:
    until = line.start(line.operations[-1])[-1]
    parts = [
        pd.DataFrame({"equipment": name, "at": timestamps(events[events <= until])})
        for name, events in line.maintained.items()
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame["kind"] = "maintenance"
    return frame


def without(
    line: Line, plant: Planted, frames: Frames, columns: Columns
) -> tuple[Frames, Columns]:
    """The bundle of someone who does not record the cause, nor an exact trace of it.

    A machine leaves its offset in the readings of its operation, so they go too.
    """
    frames = dict(frames)
    if plant.kind == "lot":
        frames["lots"] = frames["lots"][frames["lots"]["material"] != plant.factor]
    elif plant.kind == "operator":
        frames["steps"] = frames["steps"].drop(columns="operator")
    elif plant.kind == "parameter":
        columns = _unread(line, columns, {(plant.operation, str(plant.factor))})
    else:
        for file in ("steps", "equipment"):
            frames[file] = frames[file][frames[file]["operation"] != plant.operation]
        events = frames["equipment_events"]
        own = events["equipment"].isin(line.machines[plant.operation])
        frames["equipment_events"] = events[~own]
        gone = {key for key in columns if key[0] == plant.operation}
        columns = _unread(line, columns, gone)
    known = [key in columns for key in _keys(frames["parameters"])]
    frames["parameters"] = frames["parameters"][known]
    return {k: f.reset_index(drop=True) for k, f in frames.items()}, columns


def _keys(parameters: pd.DataFrame) -> list[Key]:
    return list(zip(parameters["operation"], parameters["parameter"], strict=True))


def _unread(line: Line, columns: Columns, gone: set[Key]) -> Columns:
    """Without some readings and their shadows."""
    return {
        key: values
        for key, values in columns.items()
        if key not in gone and line.source.get(key) not in gone
    }


def write_frames(
    folder: Path, frames: Frames, columns: Columns, column_layout: bool
) -> None:
    """Parquet files; readings one file a parameter, or one long file."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, frame in frames.items():
        frame.to_parquet(folder / f"{file}.parquet", index=False)
    if not column_layout:
        long = long_readings(frames["units"], columns)
        long.to_parquet(folder / "readings.parquet", index=False)
        return
    (folder / "readings").mkdir(exist_ok=True)
    for (operation, parameter), values in columns.items():
        path = folder / "readings" / f"{operation}__{parameter}.parquet"
        column = pd.Series(values).where(np.isfinite(values), None).astype("Float32")
        column.to_frame("value").to_parquet(path, index=False)


def long_readings(units: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """One row for each reading that there is."""
    parts = [
        pd.DataFrame(
            {
                "unit": units["unit"],
                "operation": operation,
                "parameter": parameter,
                "value": np.round(values.astype(np.float64), DIGITS),
            }
        )
        for (operation, parameter), values in columns.items()
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset="value")
