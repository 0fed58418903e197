"""How charts look: one palette that colour-blind people can read, one layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#8A9099"
"""Okabe and Ito (2008), and a grey that reads on light and on dark ground."""

PLAIN = {"color": BLUE, "symbol": "circle", "size": 8}
EXPOSED = {"color": VERMILION, "symbol": "diamond", "size": 12}
"""What is highlighted differs in colour and in shape."""

GRID = "rgba(128, 134, 145, 0.22)"
CONFIG: Json = {"responsive": True, "displaylogo": False, "displayModeBar": False}


def figure(data: list[Json], layout: Mapping[str, Any]) -> Json:
    """A figure that fills its container, on a transparent ground."""
    base: Json = {
        "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 48, "r": 12, "t": 12, "b": 44},
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": GREY},
        "hoverlabel": {"namelength": -1},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "showlegend": len(data) > 1,
    }
    return {"data": data, "layout": {**base, **layout}, "config": dict(CONFIG)}


def axis(title: str, **more: Any) -> Json:
    """An axis with its title close by and room for its labels."""
    return {
        "title": {"text": title, "standoff": 8},
        "automargin": True,
        "gridcolor": GRID,
        "zeroline": False,
        **more,
    }


def share_axis(title: str, **more: Any) -> Json:
    """An axis of rates 0..1 shown in per cent, from zero."""
    return axis(title, tickformat=".1~%", rangemode="tozero", **more)


def error_bars(rate: list[float], low: list[float], high: list[float]) -> Json:
    """Intervals as error bars around the rates."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [top - middle for middle, top in zip(rate, high, strict=True)],
        "arrayminus": [
            middle - bottom for middle, bottom in zip(rate, low, strict=True)
        ],
        "thickness": 1.5,
        "width": 3,
    }


def vertical_line(at: Any, text: str) -> tuple[Json, Json]:
    """A dashed line across the chart at an x value, and its label, as layout items."""
    line = {
        "type": "line",
        "x0": at,
        "x1": at,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": VERMILION, "width": 1.5, "dash": "dash"},
    }
    return line, _label(text, x=at, y=1, yref="paper", xanchor="left", yanchor="top")


def horizontal_line(at: float, text: str, color: str) -> tuple[Json, Json]:
    """A dashed line across the chart at a y value, and its label, as layout items."""
    line = {
        "type": "line",
        "y0": at,
        "y1": at,
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "line": {"color": color, "width": 1.5, "dash": "dash"},
    }
    label = _label(text, x=0, y=at, xref="paper", xanchor="left", yanchor="bottom")
    return line, label


def marked(lines: list[tuple[Json, Json]]) -> Json:
    """The layout items of some lines."""
    return {
        "shapes": [line for line, _ in lines],
        "annotations": [label for _, label in lines],
    }


def _label(text: str, **place: Any) -> Json:
    return {"text": text, "showarrow": False, "font": {"size": 11}, **place}
