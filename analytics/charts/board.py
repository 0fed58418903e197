"""Where on the product defects lie: a map of their centres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.charts.style import GREY, VERMILION, Json, axis, figure
from analytics.charts.words import Words

LOOKS = {
    0: {"color": GREY, "symbol": "circle-open", "size": 5},
    1: {"color": VERMILION, "symbol": "diamond", "size": 8},
}


def board_map(columns: Mapping[str, Sequence[Any]], words: Mapping[str, str]) -> Json:
    """Columns of `analytics.core.board`; drawn the way the image is seen."""
    speak = Words(words)
    names = {0: speak("elsewhere"), 1: speak("this_group")}
    data = [_points(columns, flag, names[flag]) for flag in LOOKS]
    places = {"range": [0, 1], "tickformat": ".0%", "constrain": "domain"}
    return figure(
        [points for points in data if points["x"]],
        {
            "xaxis": axis(speak("across"), **places),
            "yaxis": axis(speak("down"), **{**places, "range": [1, 0]}),
        },
    )


def _points(columns: Mapping[str, Sequence[Any]], flag: int, name: str) -> Json:
    rows = zip(columns["x"], columns["y"], columns["highlighted"], strict=True)
    kept = [(x, y) for x, y, own in rows if own == flag]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [x for x, _ in kept],
        "y": [y for _, y in kept],
        "marker": LOOKS[flag],
    }
