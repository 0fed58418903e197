"""Writes an analysis bundle as a folder: the counterpart of `analytics.bundle`."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from analytics.core.contract import COLUMNS, Column
from analytics.core.frames import Bundle

Format = Literal["csv", "parquet"]
FORMATS: tuple[Format, ...] = ("parquet", "csv")
READINGS = "readings"
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
LONGEST_NAME = 200
"""Bytes of a file name; file systems stop at 255."""
HASHED = 32


class ExportError(Exception):
    """The folder cannot be written; the message says why and what to do."""


def export_bundle(bundle: Bundle, folder: Path, form: Format = "parquet") -> None:
    """Write `bundle` to `folder`, which appears whole or not at all.

    :raises ExportError: the folder holds something already.
    """
    with new_folder(folder) as unfinished:
        write_bundle(bundle, unfinished, form)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to write into, which takes its place in the end."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"{folder} exists and is not empty: name another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    unfinished.mkdir()
    try:
        yield unfinished
        unfinished.rename(folder)  # replaces an empty folder
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_bundle(bundle: Bundle, folder: Path, form: Format = "parquet") -> None:
    """Write the files of the contract into `folder`, which is there and empty.

    Parquet keeps readings in the column layout when the bundle has them so; as CSV
    they are rows, by operation and parameter, in the order of `units`.
    """
    write = _WRITERS[form]
    for file, columns in COLUMNS.items():
        frame: pd.DataFrame = getattr(bundle, file)
        if file != READINGS or len(frame):
            write(_ready(frame, columns), folder / f"{file}.{form}")
    if form == "csv":
        _append_readings(bundle, folder / f"{READINGS}.csv")
    elif bundle.columns:
        _write_columns(bundle, folder / READINGS)


def _ready(frame: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """The frame as a file holds it: nulls for unknown texts, whole numbers as such."""
    return pd.DataFrame({c.name: _column(frame[c.name], c.kind) for c in columns})


def _column(values: pd.Series, kind: str) -> pd.Series:
    if kind in ("text", "name"):
        return values.astype("str").replace("", None)
    if kind == "count":
        return values.astype("Int64")
    return values


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    table = arrow.Table.from_pandas(frame, preserve_index=False)
    parquet.write_table(table, path, compression="zstd")


def _write_csv(frame: pd.DataFrame, path: Path, *, heading: bool = True) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        frame.to_csv(file, index=False, header=heading, date_format=TIME)


_WRITERS: dict[Format, Callable[[pd.DataFrame, Path], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
}


def _append_readings(bundle: Bundle, path: Path) -> None:
    """One row for each value of the column layout, in as few digits as tell it."""
    if not path.exists():
        names = [column.name for column in COLUMNS[READINGS]]
        _write_csv(pd.DataFrame(columns=names), path)
    serials = bundle.units["unit"].to_numpy(dtype=object)
    for (operation, parameter), values in sorted(bundle.columns.items()):
        rows = np.flatnonzero(~np.isnan(values))
        named = {"operation": operation, "parameter": parameter}
        frame = pd.DataFrame({"unit": serials[rows], **named, "value": values[rows]})
        _write_csv(frame, path, heading=False)


def _write_columns(bundle: Bundle, folder: Path) -> None:
    folder.mkdir()
    for (operation, parameter), values in sorted(bundle.columns.items()):
        _write_values(operation, parameter, values, folder)


def _write_values(
    operation: str, parameter: str, values: NDArray[np.float32], folder: Path
) -> None:
    """One column; its metadata name it, as not every code can be a file name."""
    column = arrow.array(values, type=arrow.float32(), from_pandas=True)
    named = {"operation": operation, "parameter": parameter}
    table = arrow.table({"value": column}).replace_schema_metadata(named)
    path = folder / f"{_file_name(operation, parameter)}.parquet"
    if len(path.name.encode()) > LONGEST_NAME or path.exists():
        key = "\0".join((operation, parameter))
        path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:HASHED]}.parquet"
    parquet.write_table(table, path, compression="zstd")


def _file_name(operation: str, parameter: str) -> str:
    return f"{_harmless(operation)}__{_harmless(parameter)}"


def _harmless(code: str) -> str:
    """The code without what a path would understand."""
    kept = "".join(c if c.isalnum() or c in "-_+. ()" else "-" for c in code)
    return kept.strip() or "-"
