"""The overview's own figures, as Plotly's JSON. Colours and fonts come from the page:
`static/js/charts.js` replaces the names of `PALETTE` by the theme's colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from traceability.inspection.selectors import Day

Figure = dict[str, Any]


@dataclass(frozen=True)
class Bar:
    """One defect class of the Pareto, and where a click on it leads."""

    label: str
    defects: int
    units: int
    share: float
    cumulative: float
    url: str


def yield_trend(days: Sequence[Day]) -> Figure:
    """First-pass yield by day over the number of units looked at."""
    at = [day.day.isoformat() for day in days]
    share = [100 * (day.units - day.defective) / day.units for day in days]
    units = {
        "type": "bar",
        "x": at,
        "y": [day.units for day in days],
        "yaxis": "y2",
        "name": _("Units inspected"),
        "marker": {"color": "@soft"},
        "hovertemplate": "%{y:,}<extra></extra>",
    }
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": at,
        "y": share,
        "name": _("First-pass yield"),
        "line": {"color": "@accent", "width": 2.5},
        "marker": {"color": "@accent", "size": 5},
        "hovertemplate": "%{y:.1f}%<extra></extra>",
    }
    layout = {
        "xaxis": {"type": "date", "showgrid": False},
        "yaxis": {"ticksuffix": "%", "range": _span(share), "nticks": 6},
        "yaxis2": {
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "showticklabels": False,
            "range": [0, 4 * max((day.units for day in days), default=1)],
        },
        "hovermode": "x unified",
        "bargap": 0.35,
    }
    return {"data": [units, line], "layout": layout}


def pareto(bars: Sequence[Bar]) -> Figure:
    """Bars by class, and the line of what they add up to."""
    # A label of several words takes several lines: slanted ones are hard to read.
    labels = [bar.label.replace(" ", "<br>") for bar in bars]
    count = {
        "type": "bar",
        "x": labels,
        "y": [bar.defects for bar in bars],
        "customdata": [bar.url for bar in bars],
        "name": _("Defects"),
        "marker": {"color": "@accent"},
        "text": [f"{bar.defects:,}" for bar in bars],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{x}: %{y:,}<extra></extra>",
    }
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": labels,
        "y": [100 * bar.cumulative for bar in bars],
        "yaxis": "y2",
        "name": _("Cumulative share"),
        "line": {"color": "@warm", "width": 2},
        "marker": {"color": "@warm", "size": 6, "symbol": "diamond"},
        "hovertemplate": "%{y:.0f}%<extra></extra>",
    }
    top = max((bar.defects for bar in bars), default=1)
    layout = {
        "xaxis": {"type": "category", "showgrid": False, "tickangle": 0},
        "yaxis": {"range": [0, 1.15 * top], "nticks": 6},
        "yaxis2": {
            "overlaying": "y",
            "side": "right",
            "range": [0, 115],
            "tickvals": [0, 50, 100],
            "ticksuffix": "%",
            "showgrid": False,
        },
        "bargap": 0.35,
    }
    return {"data": [count, line], "layout": layout}


def _span(share: Sequence[float]) -> list[float]:
    """Room for the line above the bars: never from zero, never above 100 %."""
    low = min(share, default=0.0)
    room = max(100.0 - low, 1.0)
    return [max(0.0, low - 0.6 * room), 100.0 + 0.08 * room]
