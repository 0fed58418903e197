"""Does the analysis find what was planted in the demo? Measured over seeds.

    python -m benchmarks.attribution.drawn_truth --factory --seeds 100 --processes 2

The demo factory of `traceability.demo.plan`, straight from its drawn truth, without
photos. For lines of every kind of cause see `benchmarks.attribution.run`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle

SURE = 0.8
LOUD = 0.5
NOTHING = "nothing"
TODAY = date(2026, 11, 22)

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """One plant of one seed: how the analysis answered."""

    plant: str
    first: bool
    confidence: float
    decoy_above: bool
    seconds: float


def demo_factory(seed: int) -> list[Outcome]:
    """Plan and analyse the demo factory, line by line as the application does."""
    from traceability.demo.plan import plan_factory
    from traceability.demo.truth import decoy_above, found_first, leading_causes

    plan = plan_factory(seed, TODAY)
    problems, seconds = _factory_problems(plan)
    outcomes = []
    for plant in plan.truth.plants:
        problem = problems[plant.line][plant.defect_class]
        causes = leading_causes(problem)
        decoys = [decoy for decoy in plan.truth.decoys if decoy.plant == plant]
        outcomes.append(
            Outcome(
                plant=plant.kind,
                first=found_first(problem, plant),
                confidence=causes[0]["confidence"] if causes else 0.0,
                decoy_above=any(decoy_above(problem, decoy) for decoy in decoys),
                seconds=seconds,
            )
        )
    planted = {plant.line for plant in plan.truth.plants}
    quiet = [
        cause["confidence"]
        for line, own in problems.items()
        if line not in planted
        for problem in own.values()
        for cause in [*problem["causes"], *problem["chronic"]]
    ]
    loudest = max(quiet, default=0.0)
    return [*outcomes, Outcome(NOTHING, False, loudest, False, seconds)]


def _factory_problems(plan: Any) -> tuple[dict[str, dict[str, Json]], float]:
    problems: dict[str, dict[str, Json]] = {}
    begun = time.process_time()
    for line in sorted(plan.frames["units"]["line"].unique()):
        found = analyse(Bundle.of(plan.of_line(line))).to_json()
        by_size = sorted(found["problems"], key=lambda p: p["defective_units"])
        problems[line] = {p["defect_class"]: p for p in by_size}
    return problems, time.process_time() - begun


def print_table(outcomes: list[Outcome]) -> None:
    """A Markdown table, one row for each kind of plant."""
    print(
        "| planted | runs | first | first and >= 0.8 "
        "| wrong >= 0.5 | decoy first | median s |"
    )
    print("|---|---|---|---|---|---|---|")
    for plant in dict.fromkeys(outcome.plant for outcome in outcomes):
        print(_row(plant, [o for o in outcomes if o.plant == plant]))


def _row(plant: str, own: list[Outcome]) -> str:
    wrong = [o for o in own if not o.first and o.confidence >= LOUD]
    quiet = plant == NOTHING
    cells = [
        plant,
        str(len(own)),
        "" if quiet else _share(o.first for o in own),
        "" if quiet else _share(o.first and o.confidence >= SURE for o in own),
        str(len(wrong)),
        str(sum(o.decoy_above for o in own)),
        f"{np.median([o.seconds for o in own]):.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _share(flags: Iterable[bool]) -> str:
    values = list(flags)
    return f"{np.mean(values):.2f}" if values else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--factory", action="store_true", help="the default")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    with ProcessPoolExecutor(asked.processes) as pool:
        print_table([o for found in pool.map(demo_factory, seeds) for o in found])


if __name__ == "__main__":
    main()
