"""One column of a bundle: from what was read to what the analysis trusts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.core.contract import Column
from analytics.core.errors import BundleError

ZONE = r"(?:[zZ]|[+-]\d{2}:?\d{2})$"
TIME_HINT = "Write ISO 8601 with a zone, such as 2026-03-11T01:13:00Z"


def converted(file: str, frame: pd.DataFrame, column: Column) -> pd.Series:
    """The column as text ("" for unknown), UTC timestamps or float64.

    :raises BundleError: the column is needed and missing, a value is blank that
        must be filled, or a value is not of the column's kind.
    """
    if column.name not in frame:
        if column.needed:
            raise BundleError(
                file,
                "the column is missing",
                "Add it; its name is written in small letters",
                column=column.name,
            )
        raw = pd.Series([None] * len(frame), dtype="object")
    else:
        raw = frame[column.name].reset_index(drop=True)
    values = _CONVERT[column.kind](file, raw, column.name)
    if column.filled:
        _refuse_blanks(file, values, column.name)
    return values


def _text(_file: str, raw: pd.Series, _name: str) -> pd.Series:
    text = raw.astype("str") if raw.notna().all() else _text_with_blanks(raw)
    return text.str.strip()


def _text_with_blanks(raw: pd.Series) -> pd.Series:
    return raw.astype("object").where(raw.notna(), "").astype("str")


def _number(file: str, raw: pd.Series, name: str) -> pd.Series:
    values = pd.to_numeric(raw, errors="coerce").astype("float64")
    bad = (values.isna() & ~_blank(raw)) | np.isinf(values)
    _refuse(file, raw, bad, name, "is not a number", "Write a plain decimal number")
    return values


def _time(file: str, raw: pd.Series, name: str) -> pd.Series:
    if isinstance(raw.dtype, pd.DatetimeTZDtype):
        utc: pd.Series = raw.dt.tz_convert("UTC").dt.as_unit("us")
        return utc
    blank = _blank(raw)
    text = _text_with_blanks(raw).str.strip()
    zoned = text.str.contains(ZONE, regex=True)
    _refuse(file, raw, ~blank & ~zoned, name, "is a time without a zone", TIME_HINT)
    times = pd.to_datetime(
        text.where(~blank), utc=True, format="ISO8601", errors="coerce"
    )
    _refuse(file, raw, times.isna() & ~blank, name, "is not a time", TIME_HINT)
    return times.dt.as_unit("us")


def _blank(raw: pd.Series) -> pd.Series:
    return raw.isna() | (raw.astype("object") == "")


def _refuse(
    file: str, raw: pd.Series, bad: pd.Series, name: str, problem: str, hint: str
) -> None:
    rows = np.flatnonzero(bad.to_numpy())
    if rows.size:
        row = int(rows[0])
        raise BundleError(
            file, f"{str(raw.iloc[row])!r} {problem}", hint, column=name, row=row
        )


def _refuse_blanks(file: str, values: pd.Series, name: str) -> None:
    empty = values == "" if values.dtype == "str" else values.isna()
    rows = np.flatnonzero(empty.to_numpy())
    if rows.size:
        raise BundleError(
            file,
            "the value is missing",
            "Fill it, or leave the row out",
            column=name,
            row=int(rows[0]),
        )


_CONVERT = {"text": _text, "time": _time, "number": _number, "integer": _number}
