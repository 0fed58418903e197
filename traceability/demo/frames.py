"""A planned line as the frames of an analysis bundle (times in UTC)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from traceability.demo.factory import OPERATIONS, PRODUCTS, Parameter
from traceability.demo.line_plan import LinePlan
from traceability.demo.schedule import Floats, Ints

Frames = dict[str, pd.DataFrame]
Names = NDArray[np.object_]


def bundle_frames(lines: list[LinePlan], until: datetime) -> Frames:
    """The files of a bundle, of all lines together."""
    parts = [_line_frames(line, until) for line in lines]
    frames = {
        file: pd.concat([part[file] for part in parts], ignore_index=True)
        for file in parts[0]
    }
    return frames | {"parameters": _parameters()}


def _line_frames(line: LinePlan, until: datetime) -> Frames:
    units = _units(line, until)
    serials = units["unit"].to_numpy()
    return {
        "units": units,
        "steps": pd.concat(_steps(line, serials, until), ignore_index=True),
        "lots": pd.concat(_lots(line, serials), ignore_index=True),
        "readings": pd.concat(_readings(line, serials), ignore_index=True),
        "equipment": _equipment(line, until),
        "equipment_events": _events(line, until),
        "inspections": _inspections(line, serials, until),
        "defects": pd.concat(_defects(line, serials), ignore_index=True),
    }


def _times(hours: Floats, until: datetime) -> pd.Series:
    """Whole seconds, so that they survive any way of writing them."""
    seconds = pd.Series(np.round(hours * 3600.0))
    return pd.Timestamp(until) + pd.to_timedelta(seconds, unit="s")


def _names(names: Sequence[str], codes: Ints) -> Names:
    return np.array(names, dtype=np.object_).take(codes)


def _units(line: LinePlan, until: datetime) -> pd.DataFrame:
    schedule = line.schedule
    number = schedule.line.number
    batches = [f"B{number}-{n + 1:04d}" for n in range(schedule.batches)]
    return pd.DataFrame(
        {
            "unit": [f"U{number}-{n + 1:05d}" for n in range(schedule.size)],
            "product": _names([p.code for p in PRODUCTS], schedule.product),
            "batch": _names(batches, schedule.batch),
            "completed_at": _times(schedule.completed, until),
            "line": schedule.line.code,
        }
    )


def _steps(line: LinePlan, serials: Names, until: datetime) -> Iterator[pd.DataFrame]:
    schedule, crews = line.schedule, line.crews
    number = schedule.line.number
    operators = crews.operator_names(number)
    for place, operation in enumerate(OPERATIONS):
        machines = [m.code for m in line.machines if m.operation == place]
        yield pd.DataFrame(
            {
                "unit": serials,
                "operation": operation.code,
                "equipment": _names(machines, schedule.machine[:, place]),
                "operator": _names(operators, crews.operator[:, place]),
                "shift": _names(crews.names, crews.crew[:, place]),
                "run_no": 1,
                "started_at": _times(schedule.started[:, place], until),
                "ended_at": _times(schedule.ended[:, place], until),
            }
        )


def _lots(line: LinePlan, serials: Names) -> Iterator[pd.DataFrame]:
    for supplies in line.supplies.values():
        yield pd.DataFrame(
            {
                "unit": serials,
                "operation": supplies.material.operation,
                "material": supplies.material.code,
                "lot": _names(supplies.numbers, supplies.lot),
                "supplier": _names(supplies.suppliers, supplies.lot),
            }
        )


def _readings(line: LinePlan, serials: Names) -> Iterator[pd.DataFrame]:
    for operation in OPERATIONS:
        for parameter in operation.parameters:
            level = line.levels[operation.code, parameter.code]
            yield pd.DataFrame(
                {
                    "unit": serials,
                    "operation": operation.code,
                    "parameter": parameter.code,
                    "value": _values(parameter, level),
                }
            )


def _values(parameter: Parameter, level: Floats) -> Floats:
    """In the unit of measure, with the digits a display has."""
    digits = int(np.ceil(-np.log10(parameter.tolerance))) + 2
    return np.round(parameter.target + parameter.tolerance * level, digits)


def _parameters() -> pd.DataFrame:
    rows = [
        {
            "operation": operation.code,
            "parameter": parameter.code,
            "unit_of_measure": parameter.unit_of_measure,
            "lower_limit": parameter.target - parameter.tolerance,
            "upper_limit": parameter.target + parameter.tolerance,
        }
        for operation in OPERATIONS
        for parameter in operation.parameters
    ]
    return pd.DataFrame(rows)


def _equipment(line: LinePlan, until: datetime) -> pd.DataFrame:
    machines = line.machines
    return pd.DataFrame(
        {
            "equipment": [machine.code for machine in machines],
            "operation": [OPERATIONS[machine.operation].code for machine in machines],
            "commissioned_at": _times(
                np.array([machine.commissioned for machine in machines]), until
            ),
            "line": line.schedule.line.code,
        }
    )


def _events(line: LinePlan, until: datetime) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"equipment": machine.code, "at": _times(at, until), "kind": kind})
        for machine in line.machines
        for kind, at in (
            ("maintenance", machine.maintained),
            ("calibration", machine.calibrated),
        )
    ]
    return pd.concat(parts, ignore_index=True)


def _inspections(line: LinePlan, serials: Names, until: datetime) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit": serials,
            "inspected_at": _times(line.schedule.inspected, until),
            "inspection": [f"{serial}/photo-1" for serial in serials],
            "station": line.schedule.line.station,
        }
    )


def _defects(line: LinePlan, serials: Names) -> Iterator[pd.DataFrame]:
    for defect_class, count in line.defects.items():
        rows = np.repeat(serials, count)
        yield pd.DataFrame(
            {
                "unit": rows,
                "defect_class": defect_class,
                "inspection": [f"{serial}/photo-1" for serial in rows],
            }
        )
