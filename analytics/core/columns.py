"""Readings in the column layout: one array for each parameter, a value a unit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.core.arrays import Ints
from analytics.core.coding import groups
from analytics.core.errors import BundleError

Key = tuple[str, str]
"""Operation and parameter."""
Values = NDArray[np.float32]
ReadingColumns = Mapping[Key, Values]


class FarColumns(ReadingColumns):
    """Columns that are kept elsewhere: what a bundle asks of them (see `far`).

    As a mapping they fetch values, for the few that are looked at closely.
    """

    @abstractmethod
    def in_order(self, order: Ints | None, n_units: int) -> FarColumns:
        """The columns for units in this order; None keeps that of the file."""

    @abstractmethod
    def sha256(self, key: Key) -> bytes:
        """`fingerprint.values_sha256` of a column."""


def in_order(
    columns: Iterable[tuple[Key, NDArray[np.floating[Any]]]],
    order: Ints | None,
    n_units: int,
) -> dict[Key, Values]:
    """The columns with their values in an order of the units; None keeps theirs.

    :raises BundleError: a column is there twice, is not of the length of the units, or
        holds something infinite.
    """
    found: dict[Key, Values] = {}
    for key, values in columns:
        if key in found:
            raise there_twice(key)
        checked = _checked(_name(key), values, n_units)
        found[key] = checked if order is None else checked[order]
    return found


def there_twice(key: Key) -> BundleError:
    return BundleError(_name(key), "it is there twice", "Keep one file for each")


def _name(key: Key) -> str:
    return f"readings/{key[0]}/{key[1]}"


def _checked(name: str, values: NDArray[np.floating[Any]], n_units: int) -> Values:
    if values.shape != (n_units,):
        raise BundleError(
            name,
            f"it has {len(values)} rows and units has {n_units}",
            "Write one row for each unit, in the order of units",
        )
    with np.errstate(over="ignore"):
        checked = values.astype(np.float32, copy=False)
    infinite = np.flatnonzero(np.isinf(checked))
    if infinite.size:
        raise BundleError(
            name,
            "a value is infinite, or too large for float32",
            "Write null",
            row=int(infinite[0]),
        )
    return checked


def refuse_both_layouts(columns: ReadingColumns, readings: pd.DataFrame) -> None:
    """:raises BundleError: a parameter is told in rows and as a column."""
    if not columns:
        return
    for operation, rows in groups(readings["operation"]):
        names = readings["parameter"].iloc[rows]
        for parameter in names.unique():
            if (operation, parameter) in columns:
                row = int(rows[(names == parameter).to_numpy()][0])
                raise BundleError(
                    "readings",
                    f"{parameter!r} of {operation!r} is in the folder readings, too",
                    "Keep one of the two",
                    column="parameter",
                    row=row,
                )
