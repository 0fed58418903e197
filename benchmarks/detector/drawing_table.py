"""Markdown from the results of the drawing study."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

_FIGURES = ("map33", "map50", "f")


def table(rows: Sequence[Row]) -> str:
    """A line a variant: means over seeds, and the change of mAP@0.33 against `all`."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["variant"]].append(row)
    whole = _mean(groups["all"], "map33") if "all" in groups else None
    worst_first = sorted(groups, key=lambda name: _mean(groups[name], "map33"))
    names = sorted(worst_first, key=lambda name: name != "all")
    lines = [
        "| boards | seeds | mAP@0.33 | against all | mAP@0.5 | F@0.33 | weakest |",
        "|---|---|---|---|---|---|---|",
        *(_line(name, groups[name], whole) for name in names),
    ]
    return "\n".join(lines)


def _line(name: str, rows: list[Row], whole: float | None) -> str:
    map33, map50, f = (_mean(rows, figure) for figure in _FIGURES)
    change = "" if whole is None or name == "all" else f"{map33 - whole:+.3f}"
    spread = max(row["map33"] for row in rows) - min(row["map33"] for row in rows)
    shown = f"{map33:.3f}" + (f" (spread {spread:.3f})" if len(rows) > 1 else "")
    return (
        f"| {name} | {len(rows)} | {shown} | {change} | {map50:.3f} | {f:.3f}"
        f" | {_weakest(rows)} |"
    )


def _weakest(rows: list[Row]) -> str:
    classes = [name for name, ap in rows[0]["ap33"].items() if ap is not None]
    if not classes:
        return "-"
    means = {name: statistics.mean(r["ap33"][name] for r in rows) for name in classes}
    worst = min(means, key=lambda name: means[name])
    return f"{worst} {means[worst]:.3f}"


def _mean(rows: Sequence[Row], figure: str) -> float:
    return statistics.mean(row[figure] for row in rows)
