"""The only way to the readings of an operation run, so that their layout can change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from django.db.models import QuerySet

from traceability.production.models import OperationRun

Row = tuple[int, str, str, float]


def write(run: OperationRun, values: Mapping[str, float | None]) -> None:
    """Merge `values` into the run's readings; None removes one. The caller saves."""
    merged = {**run.readings, **values}
    run.readings = {k: float(v) for k, v in merged.items() if v is not None}


def problems(values: object) -> list[str]:
    """What is wrong with pushed readings: texts, none when all is well."""
    if not isinstance(values, Mapping):
        return ["Must be an object of parameter codes and numbers."]
    return [
        f"{name}: {value!r} is not a finite number."
        for name, value in values.items()
        if value is not None and not _is_number(value)
    ]


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)  # type: ignore[arg-type]


def columns(runs: QuerySet[OperationRun]) -> Iterable[Row]:
    """All readings of `runs`: rows of unit id, operation code, parameter, value."""
    rows = runs.values_list("unit_id", "operation__code", "readings")
    return chain.from_iterable(_long(*row) for row in rows.iterator(chunk_size=5000))


def _long(unit: int, operation: str, readings: dict[str, float]) -> Iterator[Row]:
    return ((unit, operation, name, value) for name, value in readings.items())
