"""The only door from the ORM to the frames of an analysis bundle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import pandas as pd
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from analytics.core.arrays import Floats
from analytics.core.columns import ReadingColumns
from analytics.core.frames import Bundle
from analytics.core.population import Population, seconds
from analytics.core.rework import judged_at
from analytics.reading_columns import reading_columns
from traceability.catalog.models import Equipment, Line, ProcessParameter
from traceability.inspection.models import (
    Defect,
    Inspection,
    InspectionRole,
    InspectionState,
    Verdict,
)
from traceability.production import readings
from traceability.production.models import (
    Consumption,
    EquipmentEvent,
    OperationRun,
    Unit,
)

UNKNOWN = "(unknown)"
FETCH = 5000
CHUNK = 50_000


@dataclass(frozen=True)
class Window:
    """Photos captured at or after `start` and before `end`."""

    start: datetime
    end: datetime


def load_line(line: Line, window: Window) -> Bundle:
    """Everything recorded about the units inspected on `line` in the window.

    A unit that only a camera knows takes part with an unknown product: it was looked
    at, so it counts. Defects that a person called a false alarm do not count.
    """
    looks = _looks(line, window)
    units = Unit.objects.filter(Exists(looks.filter(image__unit=OuterRef("pk"))))
    frames = {
        "inspections": _inspections(looks),
        "units": _units(line, units, looks),
        "steps": _steps(units),
        "lots": _lots(units),
        "parameters": _parameters(line),
        "equipment": _equipment(line),
        "equipment_events": _equipment_events(line),
        "defects": _defects(looks),
    }
    frames = _agreeing(frames)
    judged = _judged(frames)
    frames["lots"] = _without_rework(frames["lots"], judged)
    return Bundle.of(frames, _readings(units, judged))


def _agreeing(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Only what belongs to the inspections that were read first.

    Photos go on arriving between two queries, and one transaction around them all
    would hold SQLite's write lock: what came later is left for the next analysis.
    """
    looks, units = frames["inspections"], frames["units"]
    units = units[units["unit"].isin(looks["unit"])]
    looks = looks[looks["unit"].isin(units["unit"])]
    defects = frames["defects"]
    frames["defects"] = defects[defects["inspection"].isin(looks["inspection"])]
    frames |= {"inspections": looks, "units": units}
    for name in ("steps", "lots"):
        frames[name] = frames[name][frames[name]["unit"].isin(units["unit"])]
    return frames


def _judged(frames: dict[str, pd.DataFrame]) -> pd.Series:
    """Seconds of each unit's judgement, by serial, in the order of `units`."""
    names = ("units", "inspections", "defects")
    seen = Bundle.of({name: frames[name] for name in names})
    population = Population.of(seen)
    by_serial = pd.Series(judged_at(seen, population), index=population.ids)
    return by_serial.loc[frames["units"]["unit"]]


def _without_rework(lots: pd.DataFrame, judged: pd.Series) -> pd.DataFrame:
    """Without what was used after the judgement where something was used before.

    A bundle has no times for lots, so the analysis could not tell them apart.
    """
    late = _seconds(lots["consumed_at"]) > judged.loc[lots["unit"]].to_numpy()
    keys = [lots["unit"], lots["operation"], lots["material"]]
    of_group = pd.Series(late, index=lots.index)
    kept: pd.DataFrame = lots[~late | of_group.groupby(keys).transform("all")]
    return kept


def _seconds(times: pd.Series) -> Floats:
    return seconds(pd.to_datetime(times, utc=True))


def _looks(line: Line, window: Window) -> QuerySet[Inspection]:
    return Inspection.objects.filter(
        image__station__line=line,
        image__captured_at__gte=window.start,
        image__captured_at__lt=window.end,
        role=InspectionRole.LIVE,
        state=InspectionState.DONE,
    )


def _frame(columns: list[str], rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    """Rows as a frame, in parts: a frame takes a fraction of the tuples' memory."""
    left, parts = iter(rows), []
    while chunk := list(islice(left, CHUNK)):
        parts.append(pd.DataFrame.from_records(chunk, columns=columns))
    if not parts:
        return pd.DataFrame.from_records([], columns=columns)
    return pd.concat(parts, ignore_index=True)


def _rows(queryset: QuerySet[Any], *paths: str) -> Iterator[tuple[Any, ...]]:
    return queryset.values_list(*paths).iterator(chunk_size=FETCH)


def _inspections(looks: QuerySet[Inspection]) -> pd.DataFrame:
    rows = _rows(
        looks, "image__unit__serial", "image__captured_at", "pk", "image__station__code"
    )
    frame = _frame(["unit", "inspected_at", "inspection", "station"], rows)
    return frame.astype({"inspection": "str"})


def _units(
    line: Line, units: QuerySet[Unit], looks: QuerySet[Inspection]
) -> pd.DataFrame:
    last = looks.filter(image__unit=OuterRef("pk")).order_by("-image__captured_at")
    rows = _rows(
        units.annotate(
            seen=Subquery(last.values("image__captured_at")[:1]),
            made_as=Coalesce("product__code", "batch__product__code"),
        ),
        "serial",
        "made_as",
        "batch__number",
        "completed_at",
        "seen",
    )
    frame = _frame(["unit", "product", "batch", "completed_at", "seen"], rows)
    frame["product"] = frame["product"].fillna(UNKNOWN)
    frame["completed_at"] = frame["completed_at"].fillna(frame["seen"])
    return frame.drop(columns="seen").assign(line=line.code)


def _steps(units: QuerySet[Unit]) -> pd.DataFrame:
    runs = OperationRun.objects.filter(unit__in=units, started_at__isnull=False)
    columns = {
        "unit": "unit__serial",
        "operation": "operation__code",
        "equipment": "equipment__code",
        "operator": "operator",
        "shift": "shift",
        "tool": "tool",
        "run_no": "run_no",
        "started_at": "started_at",
        "ended_at": "ended_at",
    }
    return _frame(list(columns), _rows(runs, *columns.values()))


def _lots(units: QuerySet[Unit]) -> pd.DataFrame:
    columns = {
        "unit": "unit__serial",
        "operation": "operation__code",
        "material": "lot__material__code",
        "lot": "lot__number",
        "supplier": "lot__supplier__code",
        "consumed_at": "consumed_at",
    }
    consumed = Consumption.objects.filter(unit__in=units)
    return _frame(list(columns), _rows(consumed, *columns.values()))


def _readings(units: QuerySet[Unit], judged: pd.Series) -> ReadingColumns:
    serials = dict(units.values_list("pk", "serial"))
    place = {serial: n for n, serial in enumerate(judged.index)}
    places = {pk: place[s] for pk, s in serials.items() if s in place}
    rows = readings.columns(OperationRun.objects.filter(unit__in=units))
    return reading_columns(rows, places, judged.to_numpy())


def _parameters(line: Line) -> pd.DataFrame:
    columns = {
        "operation": "operation__code",
        "parameter": "code",
        "unit_of_measure": "unit_of_measure",
        "lower_limit": "lower_limit",
        "upper_limit": "upper_limit",
    }
    known = ProcessParameter.objects.filter(operation__site=line.site_id)
    return _frame(list(columns), _rows(known, *columns.values()))


def _equipment(line: Line) -> pd.DataFrame:
    known = Equipment.objects.filter(site=line.site_id, operation__isnull=False)
    rows = _rows(known, "code", "operation__code", "commissioned_at")
    return _frame(["equipment", "operation", "commissioned_at"], rows)


def _equipment_events(line: Line) -> pd.DataFrame:
    events = EquipmentEvent.objects.filter(equipment__site=line.site_id)
    rows = _rows(events, "equipment__code", "at", "kind")
    return _frame(["equipment", "at", "kind"], rows)


def _defects(looks: QuerySet[Inspection]) -> pd.DataFrame:
    said = Verdict.objects.filter(inspection=OuterRef("inspection"))
    newest = said.order_by("-created_at").values("value")[:1]
    real = Q(said__isnull=True) | ~Q(said=Verdict.Value.FALSE_ALARM)
    found = Defect.objects.filter(inspection__in=looks)
    defects = found.annotate(said=Subquery(newest)).filter(real)
    columns = {
        "unit": "inspection__image__unit__serial",
        "defect_class": "defect_class__code",
        "inspection": "inspection_id",
        "x": "relative_x",
        "y": "relative_y",
        "width": "relative_width",
        "height": "relative_height",
        "score": "score",
    }
    frame = _frame(list(columns), _rows(defects, *columns.values()))
    return frame.astype({"inspection": "str"})
