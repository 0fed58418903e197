"""Do the comparisons that a report proposes tell aliases apart, at the proposed size?

    python -m benchmarks.attribution.comparison --runs 40

A bad lot and another material's lot that was opened and closed with it (or a machine
and the tool it got that day) cover the same units: counting cannot tell them apart.
The report proposes to run some units without one and with the other. Here these units
are drawn at their true risk, many times, and judged by the report's own figures.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle
from benchmarks.attribution.simulator import Planted, Settings, Simulated, simulate

DECISIVE = math.log(20.0)
TRIALS = 50
KINDS = ("lot", "equipment")

Json = Mapping[str, Any]


def proposals(simulated: Simulated) -> Iterator[tuple[Json, Json]]:
    """Sets of the plant and its alias: the proposed comparison, the leading cause."""
    bundle = Bundle.of(simulated.frames, simulated.columns)
    problem = analyse(bundle).to_json()["problems"][0]
    plant, alias = simulated.truth.planted[0], simulated.truth.decoys[0]
    for group in problem["credible_sets"]:
        own = [c for c in problem["causes"] if c["rank"] in group["members"]]
        named = any(plant.matches(cause) for cause in own)
        other = any((c["kind"], c["level"]) == (alias.kind, alias.level) for c in own)
        if named and other and group["separate_by"]:
            yield group["separate_by"]["params"], own[0]


def separated(
    rng: np.random.Generator, simulated: Simulated, proposal: Json, cause: Json
) -> tuple[int, int]:
    """Of `TRIALS` comparisons: how many point to the truth, and how many decide it."""
    plant = simulated.truth.planted[0]
    rate = float(np.exp(simulated.truth.log_base).mean())
    harmful = not _takes_away(plant, proposal)
    found = rng.binomial(
        proposal["units"], rate * (plant.lift if harmful else 1), TRIALS
    )
    risk, usual = cause["relative_risk"], cause["other_rate"]
    ratio = found * math.log(risk) - proposal["units"] * usual * (risk - 1)
    towards = ratio if harmful else -ratio
    return int((towards > 0).sum()), int((towards > DECISIVE).sum())


def _takes_away(plant: Planted, proposal: Json) -> bool:
    return (proposal["kind"], proposal["level"]) == (plant.kind, plant.level)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=40, help="seeds of each kind")
    parser.add_argument("--first", type=int, default=40_000)
    asked = parser.parse_args()
    settings = Settings(decoys=("alias",))
    right, decided, units = [], [], []
    for seed in range(asked.first, asked.first + asked.runs):
        for kind in KINDS:
            simulated = simulate(seed, kind, settings, "test")
            if [decoy.type for decoy in simulated.truth.decoys] != ["alias"]:
                continue
            for proposal, cause in proposals(simulated):
                rng = np.random.default_rng(seed)
                towards, sure = separated(rng, simulated, proposal, cause)
                right.append(towards / TRIALS)
                decided.append(sure / TRIALS)
                units.append(proposal["units"])
    print(f"sets that hold a plant and its alias: {len(right)}")
    print(f"units proposed, median: {np.median(units):.0f}")
    print(f"comparisons that point to the truth: {np.mean(right):.3f}")
    print(f"comparisons that decide it 20 to 1: {np.mean(decided):.3f}")


if __name__ == "__main__":
    main()
