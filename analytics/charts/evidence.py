"""The chart of a cause, from its exhibit as `analytics.core.exhibit` describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.charts.rates import ages, levels, over_time, pairs
from analytics.charts.readings import readings
from analytics.charts.style import Json
from analytics.charts.words import Words


def figure_for(evidence: Mapping[str, Any], words: Mapping[str, str]) -> Json:
    """Plotly figure (data, layout, config; plain lists) of an exhibit's JSON.

    `words`: visible words by the keys of `analytics.charts.words.ENGLISH`; what is
    missing is shown in English.

    :raises KeyError: the exhibit is of an unknown chart.
    """
    columns, marks = evidence["columns"], evidence["marks"]
    speak = Words(words)
    if evidence["chart"] == "readings":
        return readings(columns, evidence["series"], marks, speak)
    return {"levels": levels, "ages": ages, "pairs": pairs}[evidence["chart"]](
        columns, marks, speak
    )


def daily_figure(
    daily: Mapping[str, Any], onset: str | None, words: Mapping[str, str]
) -> Json:
    """The rate of defects over time, from the `daily` columns of an exhibit."""
    return over_time(daily, onset, Words(words))
