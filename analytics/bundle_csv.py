"""Reads a CSV file of a bundle as text; what the text means is decided later."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow
from pyarrow.lib import ArrowException

from analytics.core.contract import Column
from analytics.core.errors import HEADING_ROWS, BundleError, one_line

LEVELS = pa.dictionary(pa.int32(), pa.string())
HINT = "Write comma-separated UTF-8 text with one heading row"
ROW = re.compile(r"Row #(\d+): ")
CHUNK = 1 << 20


def csv_table(path: Path, columns: tuple[Column, ...]) -> Any:
    """The columns of the contract as a table of Arrow.

    All values are text and only an empty field is blank: "NA" is a name like others.

    :raises BundleError: the file is empty, is no UTF-8, or has a row of another width.
    """
    heading = _heading(path)
    kinds = {column.name: column.kind for column in columns}
    known = {name: name.strip() for name in heading if name.strip() in kinds}
    types = {n: LEVELS if kinds[k] == "text" else pa.string() for n, k in known.items()}
    _refuse_twice(path, [name.strip() for name in heading], kinds)
    _refuse_open_quotation(path)
    if not known or _only_heading(path):
        return pa.table({name.strip(): pa.nulls(0) for name in heading})
    table = _parsed(path, types)
    return table.rename_columns([known[name] for name in table.column_names])


def _heading(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file))
    except StopIteration:
        raise BundleError(path.name, "it is empty", HINT) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BundleError(path.name, f"it cannot be read ({error})", HINT) from error


def _refuse_twice(path: Path, heading: list[str], known: Any) -> None:
    for name in known:
        if heading.count(name) > 1:
            problem, hint = "the column is there twice", "Rename one of them"
            raise BundleError(path.name, problem, hint, column=name)


def _refuse_open_quotation(path: Path) -> None:
    """What an open quotation mark swallows would be missing without a word."""
    marks = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            marks += chunk.count(b'"')
    if marks % 2:
        problem = "it has an odd number of quotation marks, so one is left open"
        raise BundleError(path.name, problem, 'Write a mark inside of a value as ""')


def _only_heading(path: Path) -> bool:
    """Arrow calls a file empty whose heading has no line end."""
    with path.open("rb") as file:
        file.readline()
        return not file.read(CHUNK).strip()


def _parsed(path: Path, types: dict[str, pa.DataType]) -> Any:
    try:
        return _read(path, types, threads=True)
    except ArrowException:
        return _said(path, types)


def _said(path: Path, types: dict[str, pa.DataType]) -> Any:
    """Read again in one thread, as only then Arrow says which row is at fault."""
    try:
        return _read(path, types, threads=False)
    except ArrowException as error:
        text = one_line(error)
        found = ROW.search(text)
        row = int(found[1]) - HEADING_ROWS - 1 if found else None
        text = ROW.sub("", text).removeprefix("CSV parse error: ")
        problem = f"it cannot be read ({text})"
        raise BundleError(path.name, problem, HINT, row=row) from error


def _read(path: Path, types: dict[str, pa.DataType], *, threads: bool) -> Any:
    return arrow.read_csv(
        path,
        read_options=arrow.ReadOptions(use_threads=threads),
        parse_options=arrow.ParseOptions(newlines_in_values=True),
        convert_options=arrow.ConvertOptions(
            column_types=types, include_columns=list(types)
        ),
    )
