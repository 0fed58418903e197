"""A corner of a planned factory: the last units of each line and all they refer to.

As a program it plays a corner twice in the data folder of its environment, and ends
each time with a line of JSON: `python -m tests.demo.small PORT`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, replace
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
    plan = corner(plan_factory(3, now.date(), end_of_plan(now)), 30)
    with ProcessGroup(folder, port=port):
        for _ in range(2):
            state = load(folder) or State(plan.seed, plan.until, plan.sha256)
            player = Player(plan, folder, "127.0.0.1", port, state, Console())
            outcome = player.judge(player.play(), time.time())
            print(json.dumps(asdict(outcome) | {"phases": player.phases}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
