"""Does the analysis find what was planted? Measured over seeds of drawn lines.

    python -m benchmarks.attribution.drawn_truth --seeds 100 --first 0 --processes 2
    python -m benchmarks.attribution.drawn_truth --factory --seeds 100

The first draws the lines of `lines.py`, one plant each; the second the demo factory
of `traceability.demo.plan`, straight from its drawn truth, without photos. A plant
counts as detectable when the log likelihood ratio of its true units is at least 12.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle
from benchmarks.attribution.lines import PLANTS, DrawnLine, Truth, draw_line

DETECTABLE = 12.0
SURE = 0.8
LOUD = 0.5
SILENT = ("nothing", "hidden")
TODAY = date(2026, 11, 22)

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """One plant of one seed: how the analysis answered."""

    plant: str
    first: bool
    confidence: float
    decoy_above: bool
    log_likelihood_ratio: float
    seconds: float


def drawn_line(seed: int, plants: Iterable[str]) -> list[Outcome]:
    """Draw and analyse a line for each plant."""
    return [_answered(draw_line(seed, plant)) for plant in plants]


def _answered(drawn: DrawnLine) -> Outcome:
    begun = time.process_time()
    problem = analyse(Bundle.of(drawn.frames)).to_json()["problems"][0]
    seconds = time.process_time() - begun
    told = [*problem["causes"], *problem["chronic"]]
    first = told[0] if told else {"confidence": 0.0, "kind": "", "level": ""}
    return Outcome(
        plant=drawn.truth.kind,
        first=_names(first, drawn.truth),
        confidence=max((cause["confidence"] for cause in told), default=0.0),
        decoy_above=bool(drawn.truth.decoy) and first["level"] == drawn.truth.decoy,
        log_likelihood_ratio=_likelihood_ratio(drawn),
        seconds=seconds,
    )


def _names(cause: Json, truth: Truth) -> bool:
    """Does the cause name the plant: its kind, and its factor or level?"""
    if cause["kind"] != truth.kind:
        return False
    if truth.kind in ("parameter", "age"):
        return bool(cause["operation"] == truth.operation)
    level = cause["level"]
    return bool(truth.level == ("|".join(level) if isinstance(level, list) else level))


def _likelihood_ratio(drawn: DrawnLine) -> float:
    """Of the truly exposed units at their best risk, product by product."""
    exposed, units = drawn.truth.exposed, drawn.frames["units"]
    if not exposed.any():
        return 0.0
    defective = units["unit"].isin(drawn.frames["defects"]["unit"]).to_numpy()
    risks = np.exp(np.linspace(0.0, 3.5, 200))
    gain = (defective & exposed).sum() * np.log(risks)
    for product in units["product"].unique():
        own = (units["product"] == product).to_numpy()
        share = (own & exposed).sum() / own.sum()
        gain -= (own & defective).sum() * np.log(1 + (risks - 1) * share)
    return float(gain.max())


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
                log_likelihood_ratio=DETECTABLE,
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
    return [*outcomes, Outcome("nothing", False, loudest, False, 0.0, seconds)]


def _factory_problems(plan: Any) -> tuple[dict[str, dict[str, Json]], float]:
    problems: dict[str, dict[str, Json]] = {}
    begun = time.process_time()
    for line in sorted(plan.frames["units"]["line"].unique()):
        found = analyse(Bundle.of(plan.of_line(line))).to_json()
        problems[line] = {p["defect_class"]: p for p in found["problems"]}
    return problems, time.process_time() - begun


def print_table(outcomes: list[Outcome]) -> None:
    """A Markdown table, one row for each kind of plant."""
    print(
        "| planted | runs | detectable | first | first and >= 0.8 "
        "| of the detectable | wrong >= 0.5 | decoy first | median s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for plant in dict.fromkeys(outcome.plant for outcome in outcomes):
        print(_row(plant, [o for o in outcomes if o.plant == plant]))


def _row(plant: str, own: list[Outcome]) -> str:
    clear = [o for o in own if o.log_likelihood_ratio >= DETECTABLE]
    wrong = [o for o in own if not o.first and o.confidence >= LOUD]
    quiet = plant in SILENT
    cells = [
        plant,
        str(len(own)),
        "" if quiet else str(len(clear)),
        "" if quiet else _share(o.first for o in own),
        "" if quiet else _share(o.first and o.confidence >= SURE for o in own),
        "" if quiet else _share(o.first and o.confidence >= SURE for o in clear),
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
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--plants", nargs="+", default=list(PLANTS), choices=PLANTS)
    parser.add_argument("--factory", action="store_true", help="the demo factory")
    asked = parser.parse_args()
    measure: Callable[[int], list[Outcome]] = demo_factory
    if not asked.factory:
        measure = partial(drawn_line, plants=asked.plants)
    seeds = range(asked.first, asked.first + asked.seeds)
    with ProcessPoolExecutor(asked.processes) as pool:
        print_table([o for found in pool.map(measure, seeds) for o in found])


if __name__ == "__main__":
    main()
