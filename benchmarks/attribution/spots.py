"""Are planted spots of defects told apart, and is a background left whole?

    python -m benchmarks.attribution.spots --seeds 100

Each scenario of `spot_scenarios.py` draws a background and spots on it; the clusters
are compared with the truth by the adjusted Rand index (Hubert, Arabie 1985). Beside it
stands what can be had at all: the index of whoever knows the densities drawn from.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.metrics import adjusted_rand_score

from analytics.core.clustering import cluster_defects
from benchmarks.attribution.spot_scenarios import NOTHING, SCENARIOS, Scenario, draw

WANTED = 0.8


def measure(scenario: Scenario, seed: int) -> tuple[float, float, bool, float]:
    """Index, best index that can be had, whether it was split, seconds of processor."""
    defects, truth, best = draw(scenario, seed)
    begun = time.process_time()
    labels = cluster_defects(defects)
    seconds = time.process_time() - begun
    index = adjusted_rand_score(truth, labels)
    return index, adjusted_rand_score(truth, best), len(set(labels)) > 1, seconds


def planted_row(name: str, found: np.ndarray) -> str:
    own, best, _, seconds = found.T
    cells = [
        name,
        f"{np.median(own):.2f}",
        f"{np.quantile(own, 0.05):.2f}",
        f"{np.mean(own >= WANTED):.2f}",
        f"{np.median(best):.2f}",
        f"{np.quantile(best, 0.05):.2f}",
        f"{np.median(seconds):.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default="", help="scenarios whose name has this")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    print("| planted | median | 5 % | >= 0.8 | best median | best 5 % | median s |")
    print("|---|---|---|---|---|---|---|")
    for name, scenario in SCENARIOS.items():
        if asked.only in name:
            found = np.array([measure(scenario, seed) for seed in seeds])
            print(planted_row(name, found), flush=True)
    print("\n| nothing planted | split | median s |\n|---|---|---|")
    for name, scenario in NOTHING.items():
        if asked.only in name:
            found = np.array([measure(scenario, seed) for seed in seeds])
            split, seconds = found[:, 2].mean(), np.median(found[:, 3])
            print(f"| {name} | {split:.3f} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
