"""The plots of the report: SVG with text as text, safe for the colour-blind.

Colours are those of Okabe and Ito (2008). Needs `requirements-peers.txt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

mpl.use("Agg")
BLUE, ORANGE, GREY, INK = "#0072b2", "#d55e00", "#9a9a9a", "#222222"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "causeline",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "white",
}
Shares = Mapping[str, Mapping[str, float]]


def _saved(figure: Figure, path: Path) -> None:
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


@mpl.rc_context(STYLE)
def draw_by_kind(path: Path, shares: Shares, kinds: Sequence[str], title: str) -> None:
    """Top-1 by method (rows, the first is ours) and kind (columns), NaN for no runs."""
    values = np.array([[shares[m].get(k, np.nan) for k in kinds] for m in shares])
    figure, axes = plt.subplots(figsize=(1.15 + 0.95 * len(kinds), 0.42 * len(shares)))
    for row, own in enumerate(values):
        for column, value in enumerate(own):
            _cell(axes, row, column, value, ours=row == 0)
    axes.set(xlim=(-0.5, len(kinds) - 0.5), ylim=(len(shares) - 0.5, -0.62))
    axes.set_xticks(range(len(kinds)), [kind.replace("_", "\n") for kind in kinds])
    axes.set_yticks(range(len(shares)), list(shares))
    axes.get_yticklabels()[0].set_weight("bold")
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, pad=14)
    _saved(figure, path)


def _cell(axes: Axes, row: int, column: int, value: float, ours: bool) -> None:
    """A bar from the left of the cell, with its figure on it."""
    left, height = column - 0.46, 0.72
    axes.barh(row, 0.92, height, left, color="#f0f0f0")
    if np.isnan(value):
        return
    axes.barh(row, 0.92 * value, height, left, color=BLUE if ours else "#b9c9d6")
    inside = ours and value > 0.3
    axes.text(
        left + 0.05,
        row,
        f"{value:.2f}",
        va="center",
        color="white" if inside else INK,
        weight="bold" if ours else "normal",
    )


@mpl.rc_context(STYLE)
def draw_calibration(path: Path, bins: np.ndarray, error: float) -> None:
    """`bins`: rows of count, mean stated, share right, lower and upper end of it."""
    count, stated, right, low, high = bins.T
    figure, axes = plt.subplots(figsize=(4.6, 4.6))
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1)
    axes.text(0.3, 0.34, "as stated", color=GREY, rotation=45, ha="center")
    axes.errorbar(
        stated,
        right,
        yerr=np.clip([right - low, high - right], 0, None),
        fmt="o",
        color=BLUE,
        markersize=6,
        elinewidth=1.2,
        clip_on=False,
    )
    axes.text(
        0.98,
        0.06,
        f"expected calibration error {error:.3f}\n"
        f"{int(count.sum()):,} runs in {len(bins)} bins of equal mass,\n"
        "bars: 95 % intervals (Wilson)",
        ha="right",
        linespacing=1.5,
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(xlabel="stated confidence", ylabel="share that was right")
    axes.set_title("What was stated, and what was right", pad=12)
    _saved(figure, path)


Line = Sequence[tuple[float, float]]
COLOURS = {"analysis": BLUE, "forest": ORANGE}
WORDS = {"analysis": "this analysis", "forest": "random forest"}
ROOM = 3.0
"""Times the least and the most that the axes reach beyond them, for the labels."""


@mpl.rc_context(STYLE)
def draw_time(path: Path, panels: Mapping[str, Mapping[str, Line]]) -> None:
    """Panels by what varies on x; in each a line of (size, seconds) by method."""
    figure, frames = plt.subplots(
        1, len(panels), figsize=(4.4 * len(panels), 3.6), squeeze=False, sharey=True
    )
    for axes, (label, lines) in zip(frames[0], panels.items(), strict=True):
        for method, line in lines.items():
            _time_line(axes, method, line)
        axes.set_xlabel(label)
    for axes, lines in zip(frames[0], panels.values(), strict=True):
        _plain_ticks(axes, lines)
    frames[0][0].set_ylabel("seconds, whole process")
    frames[0][0].set_title("Cost on two cores; dotted: linear", pad=12)
    _saved(figure, path)


def _time_line(axes: Axes, method: str, line: Line) -> None:
    size, seconds = np.array(sorted(line)).T
    colour = COLOURS[method]
    axes.loglog(size, seconds, "o-", color=colour, markersize=5, linewidth=1.8)
    axes.loglog(size, seconds[-1] * size / size[-1], ":", color=GREY, linewidth=1)
    _note(axes, WORDS[method], size[-1], seconds[-1], (4, 9), colour, "right")
    _note(axes, f"{seconds[0]:.1f} s", size[0], seconds[0], (0, -15), colour, "center")
    _note(axes, f"{seconds[-1]:.1f} s", size[-1], seconds[-1], (8, -4), colour, "left")


def _note(
    axes: Axes,
    text: str,
    x: float,
    y: float,
    offset: tuple[int, int],
    colour: str,
    side: str,
) -> None:
    weight = "normal" if text.endswith(" s") else "bold"
    place = {"xytext": offset, "textcoords": "offset points", "ha": side}
    axes.annotate(text, (x, y), color=colour, weight=weight, **place)


def _plain_ticks(axes: Axes, lines: Mapping[str, Line]) -> None:
    sizes = sorted({int(size) for line in lines.values() for size, _ in line})
    axes.set_xticks(sizes, [_short(size) for size in sizes])
    axes.set_xlim(sizes[0] / 1.4, sizes[-1] * 2)
    seconds = [value for line in lines.values() for _, value in line]
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, min(seconds) / ROOM), max(high, max(seconds) * ROOM))
    axes.tick_params(which="minor", bottom=False)
    axes.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    axes.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:g}"))


def _short(size: int) -> str:
    """1000000 as "1 M", 30000 as "30 k"."""
    for unit, letter in ((1_000_000, "M"), (1000, "k")):
        if size >= unit:
            return f"{size / unit:g} {letter}"
    return str(size)
