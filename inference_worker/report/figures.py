"""Charts as Plotly's JSON, drawn by its script in the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from inference_worker.engine.curves import THRESHOLDS, Curve, Floats
from inference_worker.engine.types import IndexArray
from inference_worker.engine.visible import visible

Json = dict[str, Any]

HIT, MISS, ALARM, CONFUSED = "#009E73", "#0072B2", "#D55E00", "#9B4F96"
INK, GRID = "#465564", "#dfe4e9"

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#555555")
_DASHES = ("solid", "dash", "dot", "dashdot")
_MOST_CELLS_WITH_TEXT = 16
_MOST_IN_LEGEND = 16  # a longer one leaves no room for the chart; hovering tells too


def precision_recall_figure(curves: Mapping[str, Curve]) -> Json:
    """A line for each class, with the score at each point."""
    traces = [
        _line(plain(name), _short(one.recall), _short(one.precision), i)
        | {
            "customdata": _short(one.score),
            "hovertemplate": "recall %{x:.3f}<br>precision %{y:.3f}"
            "<br>from score %{customdata:.2f}",
        }
        for i, (name, one) in enumerate(curves.items())
    ]
    layout = {
        "xaxis": _axis("recall: share of the defects found", range=[0, 1.02]),
        "yaxis": _axis("precision: share of finds that are right", range=[0, 1.02]),
    }
    return _figure(traces, layout)


def f_figure(
    together: Floats, per_class: Mapping[str, Floats], threshold: float
) -> Json:
    """F at every threshold; the best marked, the one in use a dashed line."""
    best = int(np.argmax(together))
    at, value = float(THRESHOLDS[best]), float(together[best])
    at_all = _short(THRESHOLDS)
    traces = [
        _line(plain(name), at_all, _short(one), i) | {"opacity": 0.6}
        for i, (name, one) in enumerate(per_class.items())
    ]
    whole = _line("all classes", at_all, _short(together), 0)
    mark = {
        "name": f"best: {value:.3f} at {at:.2f}",
        "x": [at],
        "y": [round(value, 4)],
        "mode": "markers",
        "marker": {"size": 12, "color": ALARM, "symbol": "star"},
    }
    traces += [whole | {"line": {"color": "#15202b", "width": 3}}, mark]
    layout = {
        "xaxis": _axis("threshold on the score", range=[0, 1]),
        "yaxis": _axis("F at IoU 0.33", range=[0, 1.02]),
        **_marked(threshold, "middle"),
    }
    return _figure(traces, layout)


def confusion_figure(counts: IndexArray, classes: Sequence[str]) -> Json:
    """Rows are what was drawn, columns what was found; coloured by share of the row."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    heat = {
        "type": "heatmap",
        "x": _with_own("not found", classes),
        "y": _with_own("nothing there", classes),
        "z": np.round(shares, 4).tolist(),
        "customdata": counts.tolist(),
        "colorscale": [[0, "#ffffff"], [1, "#0b62a0"]],
        "zmin": 0,
        "zmax": 1,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
        "hovertemplate": "drawn: %{y}<br>found: %{x}<br>%{customdata}, %{z:.1%}"
        " of the row<extra></extra>",
    }
    if len(counts) <= _MOST_CELLS_WITH_TEXT:
        # Its template knows no customdata.
        heat["text"] = counts.tolist()
        heat["texttemplate"] = "%{text}<br>%{z:.1%}"
    names = {"type": "category", "showgrid": False}
    layout = {
        "xaxis": _axis("found as", tickangle=-40, **names),
        "yaxis": _axis("drawn as", autorange="reversed", **names),
        "height": 220 + 46 * len(counts),
    }
    return _figure([heat], layout)


def _with_own(own: str, classes: Sequence[str]) -> list[str]:
    """The classes and then our own entry, which no class may be called: equal names
    would share one row.
    """
    while own in classes:
        own = f"({own})"
    return [*map(plain, classes), own]


def scores_figure(hits: Floats, alarms: Floats, threshold: float) -> Json:
    """How often each score came, of the hits and of the false alarms."""
    edges = np.arange(21) / 20
    middles = _short(edges[:-1] + 0.025)
    traces = [
        {
            "type": "bar",
            "name": name,
            "x": middles,
            "y": np.histogram(scores, edges)[0].tolist(),
            "marker": {"color": colour},
            "hovertemplate": "score about %{x:.2f}: %{y}",
        }
        for name, scores, colour in (
            ("hits", hits, HIT),
            ("false alarms", alarms, ALARM),
        )
    ]
    layout = {
        "xaxis": _axis("score", range=[0, 1]),
        "yaxis": _axis("finds", type="log", dtick=1),
        "barmode": "group",
        **_marked(threshold, "end"),
    }
    return _figure(traces, layout)


def history_figure(
    history: Sequence[Mapping[str, float]], names: Mapping[str, str], title: str
) -> Json:
    """Columns of the history against the epoch; `names` says what each is called."""
    traces = []
    for i, (key, name) in enumerate(names.items()):
        rows = [row for row in history if np.isfinite(row.get(key, np.nan))]
        x = [row["epoch"] for row in rows]
        mode = "lines+markers" if len(rows) < 40 else "lines"
        line = _line(name, x, [float(f"{row[key]:.6g}") for row in rows], i)
        traces.append(line | {"mode": mode})
    layout = {"xaxis": _axis("epoch"), "yaxis": _axis(title, rangemode="tozero")}
    return _figure(traces, layout)


def plain(text: str) -> str:
    """Text that Plotly draws as it stands: it knows tags, links and entities."""
    return escape(visible(text), quote=False)


def _figure(traces: list[Json], layout: Json) -> Json:
    base: Json = {
        "height": 420,
        "margin": {"l": 52, "r": 12, "t": 12, "b": 48},
        "font": {"family": "inherit", "size": 12, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "hoverlabel": {"namelength": -1},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "showlegend": 1 < len(traces) <= _MOST_IN_LEGEND,
    }
    return {"data": traces, "layout": {**base, **layout}}


def _line(name: str, x: Sequence[float], y: Sequence[float], place: int) -> Json:
    """Colours and then dashes, so that many classes stay apart."""
    dash = _DASHES[place // len(_COLOURS) % len(_DASHES)]
    look = {"color": _COLOURS[place % len(_COLOURS)], "width": 2, "dash": dash}
    return {"name": name, "x": x, "y": y, "mode": "lines", "line": look}


def _axis(title: str, **more: Any) -> Json:
    return {
        "title": {"text": title, "standoff": 8},
        "automargin": True,
        "gridcolor": GRID,
        "zeroline": False,
        **more,
    }


def _marked(threshold: float, label_at: str) -> Json:
    """A dashed line where the model's own threshold is, its label along it."""
    line = {"color": INK, "width": 1.5, "dash": "dash"}
    ends = {"x0": threshold, "x1": threshold, "y0": 0, "y1": 1, "yref": "paper"}
    label = {
        "text": f"in use: {threshold:.2f}",
        "textangle": -90,
        "textposition": label_at,
        "xanchor": "right",
    }
    return {"shapes": [{"type": "line", "line": line, "label": label, **ends}]}


def _short(values: Floats) -> list[float]:
    rounded: list[float] = np.round(values, 4).tolist()
    return rounded
