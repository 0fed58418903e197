"""The chart of a process parameter: readings, defects, threshold and drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.charts.style import (
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Json,
    axis,
    figure,
    horizontal_line,
    marked,
    vertical_line,
)
from analytics.charts.words import Words

Columns = Mapping[str, Sequence[Any]]

LOOKS = {
    (0, 0): {"color": SKY, "symbol": "circle", "size": 4, "opacity": 0.65},
    (0, 1): {"color": ORANGE, "symbol": "circle-open", "size": 6},
    (1, 0): {"color": GREY, "symbol": "x", "size": 8},
    (1, 1): {"color": VERMILION, "symbol": "diamond", "size": 10},
}
"""Marker by (defective, exposed)."""


def readings(
    columns: Columns, series: Columns, marks: Mapping[str, Any], words: Words
) -> Json:
    """Readings over time; a defect and a unit beyond the threshold each stand out."""
    data = [
        _points(columns, defective, exposed, words)
        for defective, exposed in LOOKS
        if (defective, exposed)
        in zip(columns["defective"], columns["exposed"], strict=True)
    ]
    return figure(
        [*_drift(series, words), *data],
        {
            "xaxis": axis(words("time"), type="date"),
            "yaxis": axis(_title(marks)),
            **marked(_lines(marks, words)),
        },
    )


def _title(marks: Mapping[str, Any]) -> str:
    place = marks["equipment"] or marks["operation"]
    measure = f" ({marks['unit_of_measure']})" if marks["unit_of_measure"] else ""
    return f"{marks['parameter']}{measure} · {place}"


def _points(columns: Columns, defective: int, exposed: int, words: Words) -> Json:
    kept = [
        i
        for i, flags in enumerate(
            zip(columns["defective"], columns["exposed"], strict=True)
        )
        if flags == (defective, exposed)
    ]
    name = words("defective" if defective else "good")
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{name}, {words('exposed')}" if exposed else name,
        "x": [columns["at"][i] for i in kept],
        "y": [columns["value"][i] for i in kept],
        "text": [columns["equipment"][i] for i in kept],
        "hovertemplate": "%{x}<br>%{y} · %{text}",
        "showlegend": bool(defective) or not exposed,
        "marker": dict(LOOKS[defective, exposed]),
    }


def _drift(series: Columns, words: Words) -> list[Json]:
    """The moving average of the machine's readings, within its control limits."""
    if not series:
        return []
    at = list(series["at"])
    thin = {"type": "scatter", "mode": "lines", "x": at, "hoverinfo": "skip"}
    edge = {"color": GREY, "width": 1, "dash": "dot"}
    return [
        {**thin, "y": list(series["low"]), "line": edge, "showlegend": False},
        {**thin, "y": list(series["high"]), "line": edge, "showlegend": False},
        {
            "type": "scatter",
            "mode": "lines",
            "name": words("ewma"),
            "x": at,
            "y": list(series["ewma"]),
            "line": {"color": PURPLE, "width": 2},
        },
    ]


def _lines(marks: Mapping[str, Any], words: Words) -> list[tuple[Json, Json]]:
    label = f"{words('threshold')} {marks['threshold']:.4g}"
    lines = [horizontal_line(marks["threshold"], label, VERMILION)]
    for key in ("lower_limit", "upper_limit"):
        if marks[key] is not None:
            lines.append(horizontal_line(marks[key], words(key), GREY))
    if marks["onset"]:
        lines.append(vertical_line(marks["onset"], f" {words('onset')}"))
    return lines
