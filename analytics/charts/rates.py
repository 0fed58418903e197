"""Charts of rates: by level, by age, by pair, and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.charts.style import (
    BLUE,
    EXPOSED,
    PLAIN,
    VERMILION,
    Json,
    axis,
    error_bars,
    figure,
    marked,
    share_axis,
    vertical_line,
)
from analytics.charts.words import Words

Columns = Mapping[str, Sequence[Any]]
MANY_LEVELS = 12


def levels(columns: Columns, marks: Mapping[str, Any], words: Words) -> Json:
    """The rate at each level with its interval; the suspect stands out."""
    data = [
        _points(columns, columns["level"], flag, words)
        for flag in (0, 1)
        if flag in columns["highlighted"]
    ]
    title = f"{words('kind_' + marks['kind'])} · {marks['factor']}"
    crowded = len(columns["level"]) > MANY_LEVELS
    return figure(
        data,
        {
            "xaxis": axis(
                title,
                type="category",
                categoryorder="array",
                categoryarray=list(columns["level"]),
                tickangle=-60 if crowded else "auto",
                range=[-0.5, len(columns["level"]) - 0.5],
            ),
            "yaxis": share_axis(words("defect_rate")),
        },
    )


def ages(columns: Columns, marks: Mapping[str, Any], words: Words) -> Json:
    """The rate by age with its interval, and the age from which it rises."""
    middles = [
        (low + high) / 2
        for low, high in zip(columns["age_from"], columns["age_to"], strict=True)
    ]
    data = [
        _points(columns, middles, flag, words)
        for flag in (0, 1)
        if flag in columns["highlighted"]
    ]
    since = words(f"age_{marks['since']}")
    title = f"{since} · {marks['equipment'] or marks['operation']}"
    line = vertical_line(marks["threshold"], f" {marks['threshold']:.0f}")
    return figure(
        data,
        {
            "xaxis": axis(title, rangemode="tozero"),
            "yaxis": share_axis(words("defect_rate")),
            **marked([line]),
        },
    )


def pairs(columns: Columns, marks: Mapping[str, Any], words: Words) -> Json:
    """The rate of every pair as a table of colours; the suspect pair is framed."""
    rows = list(dict.fromkeys(columns["row"]))
    names = list(dict.fromkeys(columns["column"]))
    rate = {
        (row, name): (value, n, found)
        for row, name, value, n, found in zip(
            columns["row"],
            columns["column"],
            columns["rate"],
            columns["n"],
            columns["defective"],
            strict=True,
        )
    }
    cells = [[rate.get((row, name), (None, 0, 0)) for name in names] for row in rows]
    heat = {
        "type": "heatmap",
        "x": names,
        "y": rows,
        "z": [[value if n else None for value, n, _ in line] for line in cells],
        "text": [
            [f"{value:.1%}<br>{found}/{n}" if n else "" for value, n, found in line]
            for line in cells
        ],
        "texttemplate": "%{text}" if len(rows) <= MANY_LEVELS else "",
        "hovertemplate": "%{y} · %{x}<br>%{text}<extra></extra>",
        "colorscale": [[0, "#EAF3F9"], [1, BLUE]],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    frame = _frame(names.index(marks["column"]), rows.index(marks["row"]))
    return figure(
        [heat],
        {
            "xaxis": axis(str(marks["column_factor"]), type="category"),
            "yaxis": axis(str(marks["row_factor"]), type="category"),
            "shapes": [frame],
        },
    )


def over_time(daily: Columns, onset: str | None, words: Words) -> Json:
    """The rate of all units over time with its interval, and where it began."""
    data: list[Json] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": words("defect_rate"),
            "x": list(daily["at"]),
            "y": list(daily["rate"]),
            "error_y": error_bars(
                list(daily["rate"]), list(daily["low"]), list(daily["high"])
            ),
            "marker": {**PLAIN, "size": 6},
            "line": {"color": BLUE, "width": 1.5},
        }
    ]
    lines = [vertical_line(onset, f" {words('onset')}")] if onset else []
    return figure(
        data,
        {
            "xaxis": axis(words("time"), type="date"),
            "yaxis": share_axis(words("defect_rate")),
            **marked(lines),
        },
    )


def _points(columns: Columns, x: Sequence[Any], flag: int, words: Words) -> Json:
    """The points with one value of `highlighted`, each with its interval."""
    kept = [i for i, value in enumerate(columns["highlighted"]) if value == flag]

    def own(name: str) -> list[Any]:
        return [columns[name][i] for i in kept]

    marker = EXPOSED if flag else PLAIN
    bars = error_bars(own("rate"), own("low"), own("high"))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": words("suspect" if flag else "others"),
        "x": [x[i] for i in kept],
        "y": own("rate"),
        "customdata": [
            list(pair) for pair in zip(own("defective"), own("n"), strict=True)
        ],
        "hovertemplate": "%{x}<br>%{y:.1%} (%{customdata[0]}/%{customdata[1]})",
        "error_y": {**bars, "color": marker["color"]},
        "marker": dict(marker),
    }


def _frame(column: int, row: int) -> Json:
    return {
        "type": "rect",
        "x0": column - 0.5,
        "x1": column + 0.5,
        "y0": row - 0.5,
        "y1": row + 0.5,
        "line": {"color": VERMILION, "width": 3},
    }
