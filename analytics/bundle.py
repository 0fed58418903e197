"""Reads an analysis bundle: a folder of CSV or Parquet (see `docs/bundle.md`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
from pyarrow.lib import ArrowException

from analytics.bundle_csv import csv_table
from analytics.bundle_readings import READINGS, Progress, reading_columns, unreadable
from analytics.core.columns import FarColumns
from analytics.core.contract import COLUMNS, Column
from analytics.core.errors import BundleError
from analytics.core.frames import Bundle
from analytics.core.texts import is_text

ENDINGS = ("parquet", "csv")
TABLES_SHARE = 0.4
"""Of the time of reading, what the tables take in a bundle with many columns."""


def read_bundle(
    folder: Path, progress: Progress | None = None, far: FarColumns | None = None
) -> Bundle:
    """The bundle in a folder; of CSV and Parquet of the same name, Parquet is read.

    `progress` is told what is going on and what share of it is done, 0..1. `far`: the
    folder of readings where others read it.

    :raises BundleError: a file is missing, cannot be read, or breaks the contract.
    """
    if not folder.is_dir():
        raise BundleError(
            str(folder), "there is no such folder", "Name a folder of a bundle"
        )
    tell = partial(progress, "reading") if progress else _nobody
    tables = _Tables(folder, lambda share: tell(TABLES_SHARE * share))
    columns = far or reading_columns(
        folder / READINGS,
        lambda share: tell(TABLES_SHARE + (1 - TABLES_SHARE) * share),
    )
    return Bundle.of(tables, columns)


def _nobody(_share: float) -> None:
    """Who is told when nobody asked."""


class _Tables(Mapping[str, Any]):
    """The files of a folder by their names, each read when it is asked for.

    So the text of one file need not be kept until the next was made codes of.
    """

    def __init__(self, folder: Path, tell: Callable[[float], None]) -> None:
        self._folder = folder
        self._tell = tell

    def __getitem__(self, file: str) -> Any:
        self._tell(list(COLUMNS).index(file) / len(COLUMNS))
        table = _table(self._folder, file, COLUMNS[file])
        if table is None:
            raise KeyError(file)
        return table

    def __contains__(self, file: object) -> bool:
        return any((self._folder / f"{file}.{end}").is_file() for end in ENDINGS)

    def __iter__(self) -> Iterator[str]:
        return (file for file in COLUMNS if file in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _table(folder: Path, file: str, columns: tuple[Column, ...]) -> Any:
    packed, text = folder / f"{file}.parquet", folder / f"{file}.csv"
    if packed.is_file():
        return _parquet(packed, columns)
    return csv_table(text, columns) if text.is_file() else None


def _parquet(path: Path, columns: tuple[Column, ...]) -> Any:
    """The columns of the contract as a table of Arrow; levels are read as codes."""
    known = [column.name for column in columns]
    levels = [column.name for column in columns if column.kind == "text"]
    try:
        about = parquet.read_metadata(path)
        has = about.schema.to_arrow_schema()
        coded = [f.name for f in has if f.name in levels and is_text(f.type)]
        with parquet.ParquetFile(path, metadata=about, read_dictionary=coded) as file:
            return file.read(columns=[name for name in has.names if name in known])
    except (ArrowException, OSError) as error:
        raise unreadable(path.name, error) from error
