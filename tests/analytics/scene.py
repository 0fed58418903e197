"""Small bundles for tests."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle
from analytics.core.results import Analysis, Problem
from benchmarks.attribution.lines import DrawnLine, Settings, draw_line

STRONG = Settings(base=(0.02, 0.03), risk=(7.0, 8.0))
QUIET = Settings(base=(0.02, 0.03), spread=0.12, wander=0.12)


@cache
def line(seed: int, plant: str) -> DrawnLine:
    return draw_line(seed, plant, QUIET if plant == "nothing" else STRONG)


@cache
def analysis(seed: int, plant: str) -> Analysis:
    return analyse(Bundle.of(line(seed, plant).frames))


def problem(seed: int, plant: str) -> Problem:
    return analysis(seed, plant).problems[0]


def tiny_frames(n: int = 60) -> dict[str, pd.DataFrame]:
    """Sixty units through one operation, every eleventh defective."""
    at = pd.Timestamp("2026-03-01T00:00:00Z") + pd.to_timedelta(np.arange(n), unit="h")
    units = [f"U{i:03d}" for i in range(n)]
    return {
        "units": pd.DataFrame(
            {"unit": units, "product": "P", "batch": "B", "completed_at": at}
        ),
        "steps": pd.DataFrame(
            {
                "unit": units,
                "operation": "OP10",
                "equipment": np.where(np.arange(n) % 2, "M1", "M2"),
                "started_at": at - pd.Timedelta(hours=2),
                "ended_at": at - pd.Timedelta(hours=1),
            }
        ),
        "defects": pd.DataFrame({"unit": units[::11], "defect_class": "void"}),
    }


def answers(found: Analysis) -> list[dict[str, Any]]:
    """The problems of the contract's JSON."""
    problems: list[dict[str, Any]] = found.to_json()["problems"]
    return problems
