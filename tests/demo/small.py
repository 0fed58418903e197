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

    from traceability.demo.player.play import Player
    from traceability.demo.player.state import State, end_of_plan, load
    from traceability.lib.processes import ProcessGroup

    folder, now = Path(os.environ["CAUSELINE_DATA"]), datetime.now(UTC)
    known = load(folder)
    until = known.until if known else end_of_plan(now)
    plan = corner(plan_factory(3, now.date(), until), 30)
    state = known or State(plan.seed, plan.until, plan.sha256)
    with ProcessGroup(folder, port=port):
        player = Player(plan, folder, "127.0.0.1", port, state, Console())
        keys = player.play()
        print(player.judge(keys, time.time()).to_json())


if __name__ == "__main__":
    main(int(sys.argv[1]))
