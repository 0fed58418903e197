"""What is known of a unit, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass

from traceability.catalog.models import ProcessParameter
from traceability.dashboards.words import stage_name
from traceability.inspection.models import Inspection
from traceability.production.models import Consumption, OperationRun, Unit
from traceability.production.selectors import consumed_by, readings_of, runs_of


@dataclass(frozen=True)
class Reading:
    """A reading and its place between the limits: 0 the lower, 100 the upper."""

    name: str
    value: float
    unit: str
    lower: float | None
    upper: float | None

    @property
    def out_of_spec(self) -> bool:
        too_low = self.lower is not None and self.value < self.lower
        return too_low or (self.upper is not None and self.value > self.upper)

    @property
    def place(self) -> float | None:
        """Where the mark goes, -2 to 102; None without both limits."""
        if self.lower is None or self.upper is None or self.lower == self.upper:
            return None
        share = 100 * (self.value - self.lower) / (self.upper - self.lower)
        return round(min(max(share, -2.0), 102.0), 1)


@dataclass(frozen=True)
class Step:
    run: OperationRun
    readings: list[Reading]
    lots: list[Consumption]

    @property
    def out_of_spec(self) -> int:
        return sum(reading.out_of_spec for reading in self.readings)


@dataclass(frozen=True)
class Stage:
    """A part of the time an inspection took, and its share of all of it in percent."""

    name: str
    milliseconds: float
    start: float
    share: float


def passport_of(unit: Unit) -> list[Step]:
    """The unit's steps with readings and lots; three queries."""
    lots = list(consumed_by(unit))
    return [
        Step(run, _readings(run), [lot for lot in lots if _same(lot, run)])
        for run in runs_of(unit)
    ]


def stages_of(inspection: Inspection) -> list[Stage]:
    """The stages in the order in which the worker wrote them, without their total."""
    timed = {
        name: float(spent)
        for name, spent in inspection.timings_ms.items()
        if isinstance(spent, int | float) and not name.startswith("total")
    }
    whole = sum(timed.values()) or 1.0
    stages: list[Stage] = []
    start = 0.0
    for name, spent in timed.items():
        share = 100 * spent / whole
        stages.append(Stage(stage_name(name), spent, round(start, 2), round(share, 2)))
        start += share
    return stages


def _same(lot: Consumption, run: OperationRun) -> bool:
    return lot.operation_id == run.operation_id and run.run_no == 1


def _readings(run: OperationRun) -> list[Reading]:
    known = {parameter.code: parameter for parameter in run.operation.parameters.all()}
    return [
        _reading(code, value, known.get(code))
        for code, value in sorted(readings_of(run).items())
    ]


def _reading(code: str, value: float, known: ProcessParameter | None) -> Reading:
    if known is None:
        return Reading(code, value, "", None, None)
    return Reading(
        name=known.name or code,
        value=value,
        unit=known.unit_of_measure,
        lower=known.lower_limit,
        upper=known.upper_limit,
    )
