"""What the rows of a bundle may not say together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.core.arrays import Bools, Ints
from analytics.core.coding import codes_of
from analytics.core.contract import KEYS
from analytics.core.convert import refuse
from analytics.core.errors import BundleError

ROOM = 64
"""Bytes a row that may be spent to see at once that no row is there twice."""
KEEP_ONE = "Keep one row for each"


def check_rows(file: str, frame: pd.DataFrame) -> None:
    """:raises BundleError: rows that repeat or contradict one another."""
    if file in KEYS:
        _refuse_repeated(file, frame, list(KEYS[file]))
    if file == "steps":
        _refuse_repeated_runs(frame)
    if file == "parameters":
        reversed_limits = frame["lower_limit"] > frame["upper_limit"]
        problem = "the lower limit {!r} lies above the upper one"
        hint = "Exchange the two"
        lower = frame["lower_limit"]
        refuse(file, reversed_limits, "lower_limit", problem, hint, lower)


def _refuse_repeated(file: str, frame: pd.DataFrame, keys: list[str]) -> None:
    if len(keys) == 1 and pd.Index(frame[keys[0]]).is_unique:
        return
    again = np.flatnonzero(_repeated(frame, keys))
    if again.size:
        row = int(again[0])
        named = " / ".join(str(frame[key].iloc[row]) for key in keys)
        problem = f"{named!r} appears more than once"
        raise BundleError(file, problem, KEEP_ONE, column=keys[-1], row=row)


def _refuse_repeated_runs(steps: pd.DataFrame) -> None:
    """A run is told from another by its number, or by its start where it has none."""
    numbered = steps["run_no"].notna()
    if numbered.any():
        _refuse_in(steps, numbered, ["unit", "operation", "run_no"])
    if not numbered.all():
        _refuse_in(steps, ~numbered, ["unit", "operation", "started_at"])


def _refuse_in(steps: pd.DataFrame, among: pd.Series, keys: list[str]) -> None:
    part = steps if among.all() else steps[among]
    again = np.flatnonzero(_repeated(part, keys))
    if again.size:
        row = int(part.index[again[0]])
        named = " / ".join(str(steps[key].iloc[row]) for key in keys[:2])
        problem = f"{named!r} has the same {keys[2]} more than once"
        raise BundleError("steps", problem, KEEP_ONE, column=keys[2], row=row)


def _repeated(frame: pd.DataFrame, keys: list[str]) -> Bools:
    """Marks rows whose keys are those of a row before."""
    whole, size = np.zeros(len(frame), dtype=np.int64), 1
    for key in keys:
        part, n = _dense(frame[key])
        whole, size = whole * n + part, size * n
        if _all_differ(whole, size):
            return np.zeros(len(frame), dtype=bool)
    return pd.Series(whole).duplicated().to_numpy()


def _all_differ(values: Ints, size: int) -> bool:
    """No number below `size` occurs twice; False also where that takes a search."""
    if (values[1:] > values[:-1]).all():
        return True
    if size > ROOM * values.size:
        return False
    met = np.zeros(size, dtype=bool)
    met[values] = True
    return int(np.count_nonzero(met)) == values.size


def _dense(values: pd.Series) -> tuple[Ints, int]:
    """Whole numbers that are equal where the values are, and a number above them."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, names = codes_of(values)
        return codes.astype(np.int64), len(names)
    found, known = pd.factorize(values, use_na_sentinel=False)
    return found.astype(np.int64), len(known)
