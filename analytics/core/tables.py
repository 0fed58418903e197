"""What a bundle is read into: tables whose columns can be taken out one by one."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
from pyarrow.lib import ArrowException

from analytics.core.contract import Column
from analytics.core.errors import BundleError

Table: TypeAlias = Any
"""A DataFrame of pandas, or a table of Arrow, which has no types to name."""


def picked(file: str, table: Table, column: Column) -> pa.ChunkedArray:
    """The column as it was read; nulls where it is missing and may be.

    :raises BundleError: it is missing, or there twice.
    """
    names = list(
        table.columns if isinstance(table, pd.DataFrame) else table.schema.names
    )
    if column.name not in names:
        if column.needed:
            problem, hint = "the column is missing", _missing_hint(names)
            raise BundleError(file, problem, hint, column=column.name)
        return pa.chunked_array([pa.nulls(len(table))])
    if names.count(column.name) > 1:
        problem, hint = "the column is there twice", "Rename one of them"
        raise BundleError(file, problem, hint, column=column.name)
    if isinstance(table, pd.DataFrame):
        return _arrow(table[column.name])
    return table.column(column.name)


def _missing_hint(names: list[str]) -> str:
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        return "Separate the columns by commas"
    return "Add it; its name is written in small letters"


def _arrow(values: pd.Series) -> pa.ChunkedArray:
    """Arrow's array of a series; objects of several kinds become text."""
    try:
        found = pa.array(values, from_pandas=True)
    except (ArrowException, TypeError, OverflowError):
        known = values.notna()
        found = pa.array(
            [str(v) if k else None for v, k in zip(values, known, strict=True)]
        )
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])
