"""Tables and figures as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float, digits: int = 3) -> str:
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def median(values: Iterable[float]) -> float:
    known = list(values)
    return float(np.median(known)) if known else float("nan")
