"""Do the charts raise as few false alarms as they state? Simulated run lengths.

    python -m benchmarks.attribution.run_length [--runs 4000] [--seed 0]

For each setting the chart's stated in-control run length stands beside the mean of so
many simulated ones, each from a fresh start until its first signal.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from analytics.core import spc
from analytics.core.arrays import Floats

Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True)
class Setting:
    """A chart with its stated run length; `simulate` draws so many run lengths."""

    name: str
    stated: float
    simulate: Callable[[np.random.Generator, int], Floats]


def settings() -> Iterator[Setting]:
    yield from _p_charts()
    yield from _cusums()
    yield from _count_cusums()
    yield from _averages()
    yield from _detections()


def run_lengths(
    step: Callable[[Floats, int], tuple[Floats, Floats]], runs: int
) -> Floats:
    """Lengths of `runs` parallel runs. `step` maps states and point to new ones.

    It returns the new states and 1.0 where a run signals; ended runs are dropped.
    """
    lengths = np.zeros(runs)
    state, place = np.zeros(runs), np.arange(runs)
    point = 0
    while place.size:
        point += 1
        state, signals = step(state, point)
        lengths[place[signals > 0]] = point
        going = signals == 0
        state, place = state[going], place[going]
    return lengths


def _p_charts() -> Iterator[Setting]:
    for n, share, arl in (
        (50, 0.02, None),
        (200, 0.05, None),
        (50, 0.02, 370.0),
        (100, 0.01, 500.0),
        (400, 0.03, 370.0),
    ):
        chart = spc.p_chart(np.array([float(n)]), np.zeros(1), share, arl)
        low, high = chart.low[0], chart.high[0]

        def simulate(
            rng: np.random.Generator,
            runs: int,
            n: int = n,
            share: float = share,
            low: float = low,
            high: float = high,
        ) -> Floats:
            def step(state: Floats, point: int) -> tuple[Floats, Floats]:
                seen = rng.binomial(n, share, state.size) / n
                return state, ((seen < low) | (seen > high)).astype(np.float64)

            return run_lengths(step, runs)

        kind = "3 sigma" if arl is None else f"asked {arl:.0f}"
        yield Setting(
            f"p-chart, n {n}, p {share}, {kind}", chart.arl or math.nan, simulate
        )


def _cusums() -> Iterator[Setting]:
    for k, arl in ((0.25, 370.0), (0.5, 370.0), (0.5, 1000.0), (1.0, 500.0)):
        h = spc.design_cusum(arl, k)

        def simulate(
            rng: np.random.Generator, runs: int, k: float = k, h: float = h
        ) -> Floats:
            down = np.zeros(runs)

            def step(up: Floats, point: int) -> tuple[Floats, Floats]:
                nonlocal down
                z = rng.standard_normal(up.size)
                up = np.maximum(up + z - k, 0.0)
                down = np.maximum(down - z - k, 0.0)
                signals = (up > h) | (down > h)
                down = down[~signals]
                return up, signals.astype(np.float64)

            return run_lengths(step, runs)

        chart = spc.cusum(np.zeros(1), k, h, 0.0, 1.0)
        yield Setting(f"CUSUM, k {k}, h {h:.2f}", chart.arl or math.nan, simulate)


def _count_cusums() -> Iterator[Setting]:
    grid = ((1, 0.01, 2.0), (1, 0.002, 3.0), (50, 0.02, 2.0), (200, 0.05, 1.5))
    for n, share, ratio in grid:
        chart = spc.design_binomial_cusum(n, share, 500.0, ratio)

        def simulate(
            rng: np.random.Generator,
            runs: int,
            chart: spc.CountCusum = chart,
            share: float = share,
        ) -> Floats:
            def step(state: Floats, point: int) -> tuple[Floats, Floats]:
                seen = rng.binomial(chart.n, share, state.size)
                state = np.maximum(state + seen - chart.allowance, 0.0)
                return state, (state > chart.limit).astype(np.float64)

            return run_lengths(step, runs)

        name = f"binomial CUSUM, n {n}, p {share}, ratio {ratio:g}"
        yield Setting(name, chart.arl, simulate)


def _averages() -> Iterator[Setting]:
    for weight, arl in ((0.05, 370.0), (0.1, 500.0), (0.2, 370.0), (0.4, 1000.0)):
        width = spc.design_ewma(arl, weight)
        chart = spc.ewma(np.zeros(1), weight, width, 0.0, 1.0)

        def simulate(
            rng: np.random.Generator,
            runs: int,
            weight: float = weight,
            width: float = width,
        ) -> Floats:
            end = width * math.sqrt(weight / (2.0 - weight))

            def step(state: Floats, point: int) -> tuple[Floats, Floats]:
                seen = rng.standard_normal(state.size)
                state = weight * seen + (1.0 - weight) * state
                limit = end * math.sqrt(1.0 - (1.0 - weight) ** (2 * point))
                return state, (np.abs(state) > limit).astype(np.float64)

            return run_lengths(step, runs)

        yield Setting(
            f"EWMA, weight {weight}, width {width:.3f}", chart.arl or math.nan, simulate
        )


def _detections() -> Iterator[Setting]:
    """The excursion's chart at a known baseline; stretches of unlike size."""
    for low, high, share, spread in (
        (100, 100, 0.02, 1.0),
        (20, 200, 0.03, 1.0),
        (50, 150, 0.05, 1.6),
    ):
        sizes = np.random.default_rng(1).integers(low, high + 1, 300).astype(float)
        chart = spc.detect_excursion(
            sizes, sizes * 0.0, 500.0, baseline=share, dispersion=spread
        )
        allowance = 1.0 / math.log(2.0)

        def simulate(
            rng: np.random.Generator,
            runs: int,
            chart: spc.Detection = chart,
            sizes: Floats = sizes,
            allowance: float = allowance,
        ) -> Floats:
            def step(state: Floats, point: int) -> tuple[Floats, Floats]:
                mean = rng.choice(sizes, state.size) * chart.baseline
                if chart.dispersion > 1.0:
                    gain = chart.dispersion - 1.0
                    mean_now = rng.gamma(mean / gain, gain)
                else:
                    mean_now = mean
                seen = rng.poisson(mean_now)
                state = np.maximum(state + seen - allowance * mean, 0.0)
                return state, (state > chart.limit).astype(np.float64)

            return run_lengths(step, runs)

        name = f"excursion, n {low}-{high}, p {share}, dispersion {spread:g}"
        yield Setting(name, chart.arl, simulate)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    worst = 0.0
    print("| chart | stated | simulated | ratio | standard error |")
    print("|---|---|---|---|---|")
    for setting in settings():
        lengths = setting.simulate(rng, asked.runs)
        ratio = float(lengths.mean()) / setting.stated
        error = float(lengths.std()) / math.sqrt(asked.runs) / setting.stated
        worst = max(worst, abs(ratio - 1.0))
        print(
            f"| {setting.name} | {setting.stated:.1f} | {lengths.mean():.1f} "
            f"| {ratio:.3f} | {error:.3f} |"
        )
    print(f"\nfurthest from what is stated: {100 * worst:.1f} %")
    return 0 if worst <= 0.1 else 1


if __name__ == "__main__":
    raise SystemExit(main())
