"""The only way to the readings of an operation run, so that their layout can change."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain

from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet

from traceability.catalog.models import MAX_CODE, code_validator
from traceability.production.models import OperationRun

Row = tuple[int, str, datetime | None, int, str, float]
NO_CODE = f"a name has 1 to {MAX_CODE} visible characters and no space around it."


def write(run: OperationRun, values: Mapping[str, float | None]) -> bool:
    """Merge `values` into the run's readings; None removes one. The caller saves.

    Returns whether anything changed.
    """
    before = {k: float(v) for k, v in run.readings.items()}
    merged = {**before, **values}
    run.readings = {k: float(v) for k, v in merged.items() if v is not None}
    return bool(run.readings != before)


def problems(values: object) -> list[str]:
    """What is wrong with pushed readings: texts, none when all is well."""
    if not isinstance(values, Mapping):
        return ["Must be an object of parameter codes and numbers."]
    names = [name for name in values if not _is_code(name)]
    wrong = [f"{reprlib.repr(name)}: {NO_CODE}" for name in names]
    return wrong + [
        f"{name}: {reprlib.repr(value)} is not a finite number."
        for name, value in values.items()
        if name not in names and value is not None and not _is_number(value)
    ]


def _is_code(name: str) -> bool:
    """Whether `name` could be the code of a parameter, as these are pushed."""
    try:
        code_validator(name)
        name.encode()  # no lone surrogates
    except (ValidationError, UnicodeEncodeError):
        return False
    return len(name) <= MAX_CODE and name == name.strip()


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def columns(runs: QuerySet[OperationRun]) -> Iterable[Row]:
    """All readings of `runs`, by unit, then in the order of its runs (undated first).

    Rows of unit id, operation code, start of the run, run_no, parameter, value.
    """
    began = F("started_at").asc(nulls_first=True)
    ordered = runs.order_by("unit_id", began, "run_no", "operation_id")
    rows = ordered.values_list(
        "unit_id", "operation__code", "started_at", "run_no", "readings"
    )
    return chain.from_iterable(_long(*row) for row in rows.iterator(chunk_size=5000))


def _long(
    unit: int,
    operation: str,
    started_at: datetime | None,
    run_no: int,
    readings: dict[str, float],
) -> Iterator[Row]:
    run = (unit, operation, started_at, run_no)
    return ((*run, name, value) for name, value in readings.items())
