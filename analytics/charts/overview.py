"""Charts of the overview: Pareto of defects, and yield over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from analytics.charts.style import (
    BLUE,
    GREEN,
    ORANGE,
    Json,
    axis,
    error_bars,
    figure,
)
from analytics.charts.words import Words


def pareto(
    classes: Sequence[str], counts: Sequence[int], words: Mapping[str, str]
) -> Json:
    """Defects by class, the most frequent first, with their cumulative share."""
    speak = Words(words)
    order = sorted(range(len(classes)), key=lambda i: (-counts[i], classes[i]))
    names = [classes[i] for i in order]
    sorted_counts = [int(counts[i]) for i in order]
    total = sum(sorted_counts) or 1
    bars = {
        "type": "bar",
        "name": speak("defects"),
        "x": names,
        "y": sorted_counts,
        "marker": {"color": BLUE},
    }
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": speak("cumulative"),
        "x": names,
        "y": [part / total for part in accumulate(sorted_counts)],
        "yaxis": "y2",
        "line": {"color": ORANGE, "width": 2},
        "marker": {"symbol": "diamond", "size": 8},
    }
    right = axis("", tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1.0])
    return figure(
        [bars, line],
        {
            "xaxis": axis("", type="category"),
            "yaxis": axis(speak("defects"), rangemode="tozero"),
            "yaxis2": {
                **right,
                "overlaying": "y",
                "side": "right",
                "range": [0, 1.05],
                "showgrid": False,
            },
            "margin": {"l": 48, "r": 44, "t": 12, "b": 44},
        },
    )


def yield_trend(
    at: Sequence[str],
    share: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    words: Mapping[str, str],
) -> Json:
    """First-pass yield (0..1) over time with its interval; `at` in ISO 8601."""
    speak = Words(words)
    points = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": speak("yield"),
        "x": list(at),
        "y": list(share),
        "error_y": error_bars(list(share), list(low), list(high)),
        "line": {"color": GREEN, "width": 2},
        "marker": {"color": GREEN, "symbol": "circle", "size": 6},
    }
    return figure(
        [points],
        {
            "xaxis": axis(speak("time"), type="date"),
            "yaxis": axis(speak("yield"), tickformat=".0%"),
        },
    )
