"""Reads the folder `readings`: one Parquet file for each (operation, parameter)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from pyarrow.lib import ArrowException

from analytics.core.columns import Key, Values
from analytics.core.contract import Column
from analytics.core.convert import converted
from analytics.core.errors import BundleError, one_line

READINGS = "readings"
SEPARATOR = "__"
HINT = f"Name each file OPERATION{SEPARATOR}PARAMETER.parquet or give it metadata"
VALUE = "value"

Progress = Callable[[str, float], None]


def reading_columns(
    folder: Path, done: Callable[[float], None]
) -> Iterator[tuple[Key, Values]]:
    """Operation and parameter, and the values in the order of the file of units.

    `done` is told the share that was read. Nothing where there is no such folder.

    :raises BundleError: a file is no Parquet, or not of numbers, or does not say what
        it holds.
    """
    paths = column_paths(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for k, column in enumerate(pool.map(column_of, paths)):
            done(k / len(paths))
            yield column


def column_paths(folder: Path) -> list[Path]:
    """The files of the folder but hidden ones, as tools leave such behind.

    :raises BundleError: one is no Parquet file.
    """
    if not folder.is_dir():
        return []
    paths = sorted(p for p in folder.iterdir() if p.name[0] not in "._")
    for path in paths:
        if path.suffix != ".parquet" or not path.is_file():
            name = f"{READINGS}/{path.name}"
            raise BundleError(name, "it is not a Parquet file", HINT)
    return paths


def key_of(path: Path) -> Key:
    """Operation and parameter of a file, without reading its values.

    :raises BundleError: it cannot be read, or does not say.
    """
    try:
        metadata = parquet.read_schema(path).metadata
    except (ArrowException, OSError) as error:
        raise unreadable(f"{READINGS}/{path.name}", error) from error
    return _key(path, metadata or {})


def column_of(path: Path) -> tuple[Key, Values]:
    """Operation and parameter of a file, and its values.

    :raises BundleError: it cannot be read, is not of numbers, or does not say what it
        holds.
    """
    name = f"{READINGS}/{path.name}"
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read(use_threads=False)
    except (ArrowException, OSError) as error:
        raise unreadable(name, error) from error
    if not table.num_columns:
        raise BundleError(name, "it has no column", HINT)
    column = VALUE if VALUE in table.column_names else table.column_names[0]
    key = _key(path, table.schema.metadata or {})
    return key, _values(name, table.column(column), column)


def _key(path: Path, metadata: dict[bytes, bytes]) -> Key:
    """From the file's metadata, else from its name OPERATION__PARAMETER."""
    if b"operation" in metadata and b"parameter" in metadata:
        return metadata[b"operation"].decode(), metadata[b"parameter"].decode()
    operation, _, parameter = path.stem.partition(SEPARATOR)
    if not (operation and parameter):
        name = f"{READINGS}/{path.name}"
        problem = "it does not say which operation and parameter it holds"
        raise BundleError(name, problem, HINT)
    return operation, parameter


def _values(name: str, values: Any, column: str) -> Values:
    """Float32 without a copy where the file has that and no nulls."""
    if values.type == pa.float32():
        return np.asarray(values.to_numpy(), dtype=np.float32)
    numbers = converted(name, values, Column(column, "number", filled=False))
    with np.errstate(over="ignore"):
        return numbers.to_numpy(dtype=np.float32)


def unreadable(name: str, error: Exception) -> BundleError:
    problem = f"it is not a Parquet file that can be read ({one_line(error)})"
    return BundleError(name, problem, "Write it again")
