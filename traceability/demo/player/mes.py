"""What the demo's MES pushes: the plan's frames as rows of the bulk addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from traceability.demo.factory import (
    LINES,
    MATERIALS,
    OPERATIONS,
    PRODUCTS,
    Operation,
)
from traceability.demo.photos import TIME
from traceability.demo.plan import FactoryPlan
from traceability.demo.player.client import ApiError, Client

CHUNK = 2000
Rows = list[dict[str, Any]]


def push(client: Client, rows: dict[str, Rows], advance: Callable[[int], None]) -> None:
    """Send all rows in their order; `advance` is told how many were written.

    :raises ApiError: when the server rejects a row.
    """
    for resource, items in rows.items():
        for start in range(0, len(items), CHUNK):
            part = items[start : start + CHUNK]
            answer = client.post(f"/api/v1/{resource}/bulk", part)
            _refuse_rejections(resource, answer)
            advance(len(part))


def _refuse_rejections(resource: str, answer: Any) -> None:
    rejected = [row for row in answer["results"] if row["status"] == "rejected"]
    if rejected:
        raise ApiError(f"{resource}: {len(rejected)} rows rejected: {rejected[0]}")


def all_rows(plan: FactoryPlan) -> dict[str, Rows]:
    """Rows by resource, in an order in which references exist before they are used."""
    return _site_rows() | _machine_rows(plan) | _production_rows(plan)


def _site_rows() -> dict[str, Rows]:
    return {
        "lines": [{"code": line.code, "name": line.name} for line in LINES],
        "operations": [
            {"code": o.code, "name": o.name, "sequence": 10 * (place + 1)}
            for place, o in enumerate(OPERATIONS)
        ],
        "stations": [
            {
                "code": line.station,
                "name": f"Optical inspection, {line.code}",
                "line": line.code,
                "operation": OPERATIONS[-1].code,
            }
            for line in LINES
        ],
        "products": [{"code": p.code, "name": p.name} for p in PRODUCTS],
        "materials": [{"code": m.code, "name": m.name} for m in MATERIALS],
        "parameters": [row for o in OPERATIONS for row in _parameters(o)],
    }


def _parameters(operation: Operation) -> Rows:
    return [
        {
            "operation": operation.code,
            "code": parameter.code,
            "name": parameter.name,
            "unit_of_measure": parameter.unit_of_measure,
            "lower_limit": parameter.target - parameter.tolerance,
            "upper_limit": parameter.target + parameter.tolerance,
        }
        for parameter in operation.parameters
    ]


def _machine_rows(plan: FactoryPlan) -> dict[str, Rows]:
    machines = plan.frames["equipment"].rename(columns={"equipment": "code"})
    return {
        "equipment": _records(machines),
        "equipment-events": _records(plan.frames["equipment_events"]),
    }


def _production_rows(plan: FactoryPlan) -> dict[str, Rows]:
    units, lots = plan.frames["units"], plan.frames["lots"]
    batches = units.groupby("batch", sort=False).agg(
        product=("product", "first"), ended_at=("completed_at", "max")
    )
    supplied = lots[["material", "lot", "supplier"]].drop_duplicates()
    consumed = lots.drop(columns="supplier").merge(_starts(plan))
    return {
        "material-lots": _records(supplied.rename(columns={"lot": "number"})),
        "batches": _records(batches.reset_index(names="number")),
        "units": _records(units.rename(columns={"unit": "serial"})),
        "operation-runs": list(_operation_runs(plan)),
        "consumptions": _records(consumed),
    }


def _starts(plan: FactoryPlan) -> pd.DataFrame:
    steps = plan.frames["steps"][["unit", "operation", "started_at"]]
    return steps.rename(columns={"started_at": "consumed_at"})


def _operation_runs(plan: FactoryPlan) -> Iterator[dict[str, Any]]:
    readings = plan.frames["readings"]
    for operation, steps in plan.frames["steps"].groupby("operation", sort=False):
        own = readings[readings["operation"] == operation]
        columns = own.pivot(index="unit", columns="parameter", values="value")
        values = columns.loc[steps["unit"]].to_dict("records")
        for row, taken in zip(_records(steps), values, strict=True):
            yield row | {"readings": taken}


def _records(frame: pd.DataFrame) -> Rows:
    """Rows with times as ISO 8601 text."""
    written = frame.copy()
    for name, column in frame.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            written[name] = column.dt.strftime(TIME)
    return [
        {str(name): value for name, value in row.items()}
        for row in written.to_dict("records")
    ]
