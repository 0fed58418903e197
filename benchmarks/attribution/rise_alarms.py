"""How often does a series without a rise alarm, its baseline and spread estimated?

    python -m benchmarks.attribution.rise_alarms [--series 400] [--seed 50000]

Series of 100 stretches at one false alarm in 1,000 stretches: 9.5 % would alarm if all
was as the chart assumes. The seeds are not those that the constants of `dispersion.py`
were chosen on (0 to 149).
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from analytics.core.arrays import Floats
from analytics.core.spc import detect_excursion

STRETCHES = 100
ARL = 1000.0
SIZES = ((100, 0.02), (300, 0.03), (400, 0.03))
WORLDS = {
    "chance alone": (0.0, 1),
    "spread 0.3": (0.3, 1),
    "spread 0.3, lots": (0.3, 5),
}


def rates(rng: np.random.Generator, spread: float, length: int) -> Floats:
    """Log-normal factors of the rate, each for `length` stretches."""
    factors = np.exp(spread * rng.standard_normal(STRETCHES // length))
    return np.repeat(factors, length)


def alarming(size: int, share: float, world: tuple[float, int], seeds: range) -> float:
    """Share of the series that alarm."""
    told = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        chances = np.minimum(share * rates(rng, *world), 1.0)
        defective = rng.binomial(size, chances).astype(np.float64)
        n = np.full(STRETCHES, float(size))
        told += bool(detect_excursion(n, defective, ARL).rises)
    return told / len(seeds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--seed", type=int, default=50_000)
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.series)
    print(f"stated: {1.0 - math.exp(-STRETCHES / ARL):.3f}\n")
    print("| the rate varies by | units | share | series that alarm | standard error |")
    print("|---|---|---|---|---|")
    for name, world in WORLDS.items():
        for size, share in SIZES:
            found = alarming(size, share, world, seeds)
            error = math.sqrt(found * (1.0 - found) / len(seeds))
            print(
                f"| {name} | {size} | {share} | {found:.3f} | {error:.3f} |", flush=True
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
