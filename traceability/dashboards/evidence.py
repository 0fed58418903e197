"""Stored evidence as a chart, and as a table for whoever cannot use the chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.charts.board import board_map
from analytics.charts.evidence import daily_figure, figure_for
from traceability.attribution.models import Cause, Problem
from traceability.dashboards.chart_words import chart_words
from traceability.dashboards.detection import detection_facts
from traceability.dashboards.drift import Fact, drift_facts

Frame = Mapping[str, Any]
Cell = Callable[[Any], str]

CAPTIONS = {
    "readings": gettext_lazy("Every reading, defective units marked"),
    "levels": gettext_lazy("Defect rate by level"),
    "ages": gettext_lazy("Defect rate by age"),
    "pairs": gettext_lazy("Defect rate by combination"),
    "daily": gettext_lazy("Defect rate by day"),
    "board": gettext_lazy("Where on the product"),
}

SIZES = {"readings": "l", "daily": "s"}


@dataclass(frozen=True)
class Exhibit:
    """One figure with its table; `id` is unique on the page, `facts` stand below."""

    id: str
    caption: str
    figure: dict[str, Any]
    headers: list[str]
    rows: list[list[str]]
    size: str
    facts: list[Fact]


def exhibit_of(cause: Cause) -> Exhibit | None:
    """The chart of a cause; None when nothing was kept. Reads `cause.evidence`."""
    evidence = getattr(cause, "evidence", None)
    if evidence is None:
        return None
    frame = evidence.frame
    return _exhibit(f"evidence-{cause.pk}", frame, figure_for(frame, chart_words()))


def rate_exhibit(problem: Problem) -> Exhibit | None:
    """The problem's defect rate over time."""
    frame = problem.overview
    if not frame.get("daily"):
        return None
    figure = daily_figure(frame["daily"], frame["marks"]["onset"], chart_words())
    return _exhibit("rate", frame, figure)


def board_exhibit(problem: Problem) -> Exhibit | None:
    """Where on the product the defects of a cluster lie; None for a whole class."""
    columns = problem.overview.get("board") or {}
    if not columns.get("x"):
        return None
    figure = board_map(columns, chart_words())
    return _exhibit("board", {"chart": "board", "columns": columns}, figure)


def _exhibit(key: str, frame: Frame, figure: dict[str, Any]) -> Exhibit:
    chart = str(frame["chart"])
    columns = frame.get("columns") or frame["daily"]
    kept = [name for name in COLUMNS if name in columns]
    return Exhibit(
        id=key,
        caption=str(CAPTIONS.get(chart, CAPTIONS["daily"])),
        figure=figure,
        headers=[str(COLUMNS[name][0]) for name in kept],
        rows=_rows([(columns[name], COLUMNS[name][1]) for name in kept]),
        size=SIZES.get(chart, "m"),
        facts=[
            *drift_facts(frame.get("drift")),
            *detection_facts(frame.get("detection")),
        ],
    )


def _rows(columns: Sequence[tuple[Sequence[Any], Cell]]) -> list[list[str]]:
    cells = [
        ["" if value is None else write(value) for value in values]
        for values, write in columns
    ]
    return [list(row) for row in zip(*cells, strict=True)]


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _number(value: float) -> str:
    return f"{value:,.4g}"


def _time(value: str) -> str:
    at = parse_datetime(value)
    if not isinstance(at, datetime):
        return value
    return formats.date_format(timezone.localtime(at), "Y-m-d H:i")


def _yes(value: object) -> str:
    return _("yes") if value else ""


# Column of a frame → heading and how to write a value, in the order of the table.
COLUMNS: dict[str, tuple[Any, Cell]] = {
    "x": (gettext_lazy("Across the image"), _percent),
    "y": (gettext_lazy("Down the image"), _percent),
    "at": (gettext_lazy("Time"), _time),
    "level": (gettext_lazy("Level"), str),
    "row": (gettext_lazy("First"), str),
    "column": (gettext_lazy("Second"), str),
    "age_from": (gettext_lazy("From (h)"), _number),
    "age_to": (gettext_lazy("To (h)"), _number),
    "equipment": (gettext_lazy("Machine"), str),
    "value": (gettext_lazy("Reading"), _number),
    "n": (gettext_lazy("Units"), _number),
    "rate": (gettext_lazy("Defect rate"), _percent),
    "low": (gettext_lazy("From (95 %)"), _percent),
    "high": (gettext_lazy("To (95 %)"), _percent),
    "defective": (gettext_lazy("Defective"), _number),
    "exposed": (gettext_lazy("Exposed"), _yes),
    "highlighted": (gettext_lazy("Suspected"), _yes),
}
