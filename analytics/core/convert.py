"""One column of a bundle: from what was read to what the analysis trusts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.lib import ArrowException

from analytics.core import texts
from analytics.core.arrays import Bools, Floats
from analytics.core.contract import Column
from analytics.core.errors import BundleError, one_line, wrong_type

ZONE = r"(?:[zZ]|\d[+-]\d{2}:?\d{2}|:\d{2}(?:\.\d+)?[+-]\d{2})$"
MOMENT = pa.timestamp("us", tz="UTC")
TIME_HINT = "Write ISO 8601 with a zone, such as 2026-03-11T01:13:00Z"
NUMBER_HINT = "Write a plain decimal number"


def converted(file: str, values: pa.ChunkedArray, column: Column) -> pd.Series:
    """The column as the bundle keeps it; see `frames.Bundle`.

    Of a column of units only the text: which units there are is not known here.

    :raises BundleError: the column is of another kind, a value is, or one is blank
        that must be filled.
    """
    try:
        found = _CONVERT[column.kind](file, values, column.name)
    except ArrowException as error:
        raise BundleError(
            file,
            f"it cannot be read as {column.kind} ({one_line(error)})",
            "Write it again",
            column=column.name,
        ) from error
    _check_values(file, found, column)
    return found


def _check_values(file: str, found: pd.Series, column: Column) -> None:
    if column.filled:
        blank = found == "" if column.kind in TEXTUAL else found.isna()
        refuse(file, blank, column.name, "the value is missing", FILL)
    if column.share:
        outside = (found < 0) | (found > 1)
        problem = "{!r} lies outside 0..1"
        hint = "Write it as a share of the width or height of the image"
        refuse(file, outside, column.name, problem, hint, found)
    if column.kind == "count":
        odd = (found < 0) | (found != np.floor(found)) & found.notna()
        problem = "{!r} is not a count"
        refuse(file, odd, column.name, problem, "Write 1, 2, 3 …", found)


TEXTUAL = ("unit", "text", "name")
FILL = "Fill it, or leave the row out"


def refuse(
    file: str,
    bad: pd.Series | Bools,
    name: str,
    problem: str,
    hint: str,
    values: pd.Series | pa.ChunkedArray | None = None,
) -> None:
    """Raise if any row is bad, naming the first; `{!r}` in `problem` is its value.

    :raises BundleError: a row is bad.
    """
    rows = np.flatnonzero(np.asarray(bad, dtype=bool))
    if not rows.size:
        return
    row = int(rows[0])
    if values is not None:
        shown = values[row].as_py() if hasattr(values, "chunks") else values.iloc[row]
        problem = problem.format(str(shown))
    raise BundleError(file, problem, hint, column=name, row=row)


def _text(file: str, values: pa.ChunkedArray, name: str) -> pd.Series:
    texts.refuse_other(file, name, values)
    return pd.Series(texts.coded(values))


def _name(file: str, values: pa.ChunkedArray, name: str) -> pd.Series:
    texts.refuse_other(file, name, values)
    return pd.Series(pd.array(texts.stripped(values), dtype="str"))


def _number(file: str, values: pa.ChunkedArray, name: str) -> pd.Series:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _number(file, values.cast(kind.value_type), name)
    if texts.is_text(kind):
        return _number_of_text(file, values, name)
    if pa.types.is_null(kind):
        return pd.Series(np.full(len(values), np.nan))
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    elif not texts.is_number(kind):
        raise wrong_type(file, name, values, "numbers")
    found = values.cast(pa.float64(), safe=False).to_numpy()
    refuse(file, np.isinf(found), name, "{!r} is not a number", NUMBER_HINT, values)
    return pd.Series(found)


def _number_of_text(file: str, values: pa.ChunkedArray, name: str) -> pd.Series:
    text = texts.stripped(values)
    blank = pc.equal(text, "")
    try:
        whole = pc.if_else(blank, pa.scalar(None, text.type), text).cast(pa.float64())
        found: Floats = whole.to_numpy(zero_copy_only=False)
    except ArrowException:
        loose = pd.to_numeric(pd.Series(text.to_pandas()), errors="coerce")
        found = loose.to_numpy(dtype=np.float64)
    bad = ~np.isfinite(found) & ~blank.to_numpy(zero_copy_only=False)
    refuse(file, bad, name, "{!r} is not a number", NUMBER_HINT, values)
    return pd.Series(found)


def _time(file: str, values: pa.ChunkedArray, name: str) -> pd.Series:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _time(file, values.cast(kind.value_type), name)
    if texts.is_text(kind) or pa.types.is_null(kind):
        return _time_of_text(file, values, name)
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    if not zoned and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        known = values.is_valid().to_numpy()
        refuse(file, known, name, "{!r} is a time without a zone", TIME_HINT, values)
    elif not zoned:
        raise wrong_type(file, name, values, "times")
    return _moments(values.cast(MOMENT, safe=kind != pa.timestamp("ns", kind.tz)))


def _time_of_text(file: str, values: pa.ChunkedArray, name: str) -> pd.Series:
    text = texts.stripped(values)
    blank = pc.equal(text, "")
    text = pc.if_else(blank, pa.scalar(None, text.type), text)
    try:
        return _moments(text.cast(MOMENT))
    except ArrowException:
        return _slow_time(file, pd.Series(text.to_pandas()), name)


def _slow_time(file: str, text: pd.Series, name: str) -> pd.Series:
    """Every other spelling of ISO 8601; says which row is none."""
    known = text.notna()
    zoned = text.str.contains(ZONE, regex=True, na=False)
    bad = known & ~zoned
    refuse(file, bad, name, "{!r} is a time without a zone", TIME_HINT, text)
    times = pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce")
    bad = known & times.isna()
    refuse(file, bad, name, "{!r} is not a time", TIME_HINT, text)
    return times.dt.as_unit("us")


def _moments(times: pa.ChunkedArray | pa.Array) -> pd.Series:
    raw = times.cast(pa.timestamp("us")).to_pandas()
    found: pd.Series = raw.dt.as_unit("us").dt.tz_localize("UTC")
    return found


_CONVERT = {
    "unit": _name,
    "text": _text,
    "name": _name,
    "time": _time,
    "number": _number,
    "count": _number,
}
