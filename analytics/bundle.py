"""Reads an analysis bundle: a folder of CSV or Parquet (see `docs/attribution.md`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
from numpy.typing import NDArray
from pyarrow.lib import ArrowException

from analytics.core.contract import COLUMNS
from analytics.core.errors import BundleError
from analytics.core.frames import Bundle

READINGS = "readings"
COLUMN_FILES = "Name each file OPERATION__PARAMETER.parquet or give it metadata"
SEPARATOR = "__"


def read_bundle(folder: Path) -> Bundle:
    """The bundle in a folder; of CSV and Parquet of the same name, Parquet is read.

    :raises BundleError: a file is missing, cannot be read, or breaks the contract.
    """
    if not folder.is_dir():
        raise BundleError(
            str(folder), "there is no such folder", "Name a folder of a bundle"
        )
    frames = {}
    for file, columns in COLUMNS.items():
        frame = _frame(folder, file, [column.name for column in columns])
        if frame is not None:
            frames[file] = frame
    return Bundle.of(frames, dict(_reading_columns(folder / READINGS)))


def _frame(folder: Path, file: str, known: list[str]) -> pd.DataFrame | None:
    packed, text = folder / f"{file}.parquet", folder / f"{file}.csv"
    if packed.is_file():
        return _parquet(packed, known)
    return _csv(text) if text.is_file() else None


def _parquet(path: Path, known: list[str]) -> pd.DataFrame:
    try:
        has = set(parquet.read_schema(path).names)
        table = parquet.read_table(path, columns=[n for n in known if n in has])
        frame: pd.DataFrame = table.to_pandas()
        return frame
    except (ArrowException, OSError) as error:
        raise BundleError(
            path.name, f"it is not a Parquet file ({error})", "Write it again"
        ) from error


def _csv(path: Path) -> pd.DataFrame:
    """All values as text; only an empty field is blank, "NA" is a name like others."""
    try:
        return pd.read_csv(
            path,
            dtype="str",
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
        )
    except (
        pd.errors.EmptyDataError,
        pd.errors.ParserError,
        UnicodeDecodeError,
    ) as error:
        raise BundleError(
            path.name,
            f"it cannot be read ({str(error).strip()})",
            "Write comma-separated UTF-8 text with one heading row",
        ) from error


def _reading_columns(
    folder: Path,
) -> Iterator[tuple[tuple[str, str], NDArray[np.float32]]]:
    """The column layout: one Parquet file for each (operation, parameter)."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.parquet")):
        yield _column_key(path), _column(path)


def _column_key(path: Path) -> tuple[str, str]:
    """From the file's metadata, else from its name OPERATION__PARAMETER."""
    try:
        metadata = parquet.read_schema(path).metadata or {}
    except (ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    if b"operation" in metadata and b"parameter" in metadata:
        return metadata[b"operation"].decode(), metadata[b"parameter"].decode()
    operation, separator, parameter = path.stem.partition(SEPARATOR)
    if not separator:
        raise BundleError(
            f"{READINGS}/{path.name}",
            "it does not say which operation and parameter it holds",
            COLUMN_FILES,
        )
    return operation, parameter


def _column(path: Path) -> NDArray[np.float32]:
    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    if table.num_columns < 1:
        raise BundleError(f"{READINGS}/{path.name}", "it has no column", COLUMN_FILES)
    name = "value" if "value" in table.column_names else table.column_names[0]
    values = table[name].to_pandas()
    numbers = pd.to_numeric(values, errors="coerce")
    bad = np.flatnonzero((numbers.isna() & values.notna()).to_numpy())
    if bad.size:
        raise BundleError(
            f"{READINGS}/{path.name}",
            f"{values.iloc[int(bad[0])]!r} is not a number",
            "Write float32 with nulls",
            column=name,
            row=int(bad[0]),
        )
    return np.asarray(numbers, dtype=np.float32)


def _unreadable(path: Path, error: Exception) -> BundleError:
    return BundleError(
        f"{READINGS}/{path.name}",
        f"it is not a Parquet file ({error})",
        "Write it again",
    )
