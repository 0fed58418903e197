"""Small bundles for tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle
from analytics.core.results import Analysis, Problem
from benchmarks.attribution.simulator import Decoy, Planted, Settings, simulate
from benchmarks.attribution.simulator.frames import long_readings

STRONG = Settings(
    units=2400,
    parameters=12,
    lift=8.0,
    base=(0.02, 0.03),
    overdispersion=0.15,
    decoys=("crew",),
)
QUIET = replace(STRONG, decoys=())


@dataclass(frozen=True)
class Scene:
    """A simulated line, readings in the long frame; `truth`: the recorded plant."""

    frames: dict[str, pd.DataFrame]
    truth: Planted | None
    decoys: tuple[Decoy, ...]


@cache
def line(seed: int, kind: str) -> Scene:
    """`kind`: one of the simulator's, with a strong effect."""
    drawn = simulate(seed, kind, QUIET if kind == "null" else STRONG)
    readings = long_readings(drawn.frames["units"], drawn.columns)
    planted = next(iter(drawn.truth.planted), None)
    return Scene({**drawn.frames, "readings": readings}, planted, drawn.truth.decoys)


@cache
def analysis(seed: int, kind: str) -> Analysis:
    return analyse(Bundle.of(line(seed, kind).frames))


def problem(seed: int, kind: str) -> Problem:
    return analysis(seed, kind).problems[0]


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
