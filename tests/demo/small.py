"""A corner of a planned factory: the last units of each line and all they refer to.

As a program it plays that corner in the data folder of its environment:
`python -m tests.demo.small PORT`.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from traceability.demo.plan import FactoryPlan, plan_factory


def corner(plan: FactoryPlan, units: int) -> FactoryPlan:
    kept = plan.frames["units"].groupby("line").tail(units)["unit"]
    frames = {
        file: frame[frame["unit"].isin(kept)] if "unit" in frame else frame
        for file, frame in plan.frames.items()
    }
    return replace(
        plan, frames={k: v.reset_index(drop=True) for k, v in frames.items()}
    )


def small_plan(units: int = 30) -> FactoryPlan:
    return corner(plan_factory(3, date(2026, 3, 14)), units)


def main(port: int) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traceability.settings")
    django.setup()
    from rich.console import Console

    from traceability.demo.player import play, state
    from traceability.lib.processes import ProcessGroup

    folder = Path(os.environ["CAUSELINE_DATA"])
    play.plan_factory = lambda *arguments: corner(plan_factory(*arguments), 30)
    known = state.load(folder) or state.fresh(3, datetime.now(UTC))
    player = play.Player(folder, "127.0.0.1", port, known, Console())
    with ProcessGroup(folder, port=port):
        plan, keys = player.play()
        print(player.judge(plan, keys, time.time()).to_json())


if __name__ == "__main__":
    main(int(sys.argv[1]))
