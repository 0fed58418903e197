"""What was asked of the analysis beside what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.attribution.markdown import table
from benchmarks.attribution.results import (
    LIFT,
    WEAK,
    Json,
    Results,
    between,
    calibration_bins,
    clear,
    coverage,
    found_in,
    loud,
    of_kind,
    onset_errors,
    sets_of,
    share,
)
from benchmarks.attribution.summary import expected_error, risk_slope


@dataclass(frozen=True)
class Bar:
    """One line of the table of bars: what was asked and what came out.

    `low`, `high`: what is asked for, None for no end.
    """

    what: str
    value: float
    runs: int
    low: float | None = None
    high: float | None = None

    @property
    def met(self) -> bool:
        above = self.low is None or self.value >= self.low
        return bool(above and (self.high is None or self.value <= self.high))

    @property
    def asked(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        return f"≥ {self.low:g}" if self.low is not None else f"≤ {self.high:g}"


def bar(
    what: str,
    runs: Sequence[Json],
    judge: Callable[[Json], bool],
    low: float | None = None,
    high: float | None = None,
) -> Bar:
    """The share of the runs that the judge affirms."""
    return Bar(what, share(map(judge, runs)), len(runs), low, high)


def bars(results: Results) -> str:
    """What was asked for beside what came out."""
    rows = [_bar_row(one) for one in _all_bars(results) if one.runs]
    wrong = f"Runs of the analysis that crashed: {results.errors}."
    columns = ("", "asked", "measured", "of", "")
    return f"## Bars\n\n{table(columns, rows)}\n\n{wrong}"


def _bar_row(one: Bar) -> tuple[str, ...]:
    verdict = "met" if one.met else "**missed**"
    return one.what, one.asked, f"{one.value:.3f}", f"{one.runs:,}", verdict


def _all_bars(results: Results) -> list[Bar]:
    strong, weak = results.at_lift(LIFT), results.at_lift(WEAK)
    drawn = results.at_lift(None)
    seen = clear(strong)
    return [
        bar("Top-1, lift 5, detectable", seen, lambda run: run["top1"], 0.95),
        bar("Top-3, lift 5, detectable", seen, lambda run: run["top3"], 0.99),
        _of_oracle(clear(weak)),
        bar("null: top confidence ≥ 0.5", of_kind(strong, "null"), loud, high=0.02),
        bar("hidden: top confidence ≥ 0.5", of_kind(strong, "hidden"), loud, high=0.02),
        bar(
            "two: both first", of_kind(seen, "two"), lambda run: run["all_first"], 0.85
        ),
        bar(
            "interaction: Top-1",
            of_kind(seen, "interaction"),
            lambda run: run["top1"],
            0.85,
        ),
        _mediators([*seen, *clear(weak), *clear(drawn)]),
        _onset([*seen, *clear(weak), *clear(drawn)]),
        *_calibration_bars(drawn),
        *_set_bars(clear(drawn) or seen),
        _attributable(clear(drawn) or seen),
        _slope(drawn or strong),
    ]


def _of_oracle(runs: list[Json]) -> Bar:
    runs = [run for run in runs if "oracle_first" in run]
    best = share(run["oracle_first"] for run in runs)
    ours = share(run["top1"] for run in runs)
    what = "Top-1, lift 3, as a share of the oracle's own"
    return Bar(what, ours / best if best else float("nan"), len(runs), 0.95)


def _mediators(runs: list[Json]) -> Bar:
    own = [run for run in runs if "mediator" in run["decoys"]]
    above = share("mediator" in run["decoys_above"] for run in own)
    return Bar("mediator above its cause", above, len(own), high=0.05)


def _onset(runs: list[Json]) -> Bar:
    errors = onset_errors(runs)
    middle = float(np.median(errors)) if errors else float("nan")
    return Bar("onset: median error, of the series", middle, len(errors), high=0.01)


def _calibration_bars(runs: list[Json]) -> list[Bar]:
    if not runs:
        return []
    error = expected_error(calibration_bins(runs))
    return [
        Bar("expected calibration error", error, len(runs), high=0.05),
        Bar("statements between 0.2 and 0.9", between(runs), len(runs), 0.2),
    ]


def _set_bars(runs: list[Json]) -> list[Bar]:
    sets = sets_of(runs)
    if not sets:
        return []
    plain = [one["size"] for one in sets if not one["alias"]]
    return [
        Bar(
            "credible sets: lower bound of coverage", coverage(sets)[1], len(sets), 0.93
        ),
        Bar(
            "credible sets: median size without alias",
            float(np.median(plain)),
            len(plain),
            high=2,
        ),
    ]


def _attributable(runs: list[Json]) -> Bar:
    what = "attributable interval holds the paired count"
    return bar(what, found_in(runs), lambda one: one["attributable_holds"], 0.93)


def _slope(runs: list[Json]) -> Bar:
    slope, units = risk_slope(runs)
    return Bar("risk per unit: calibration slope", slope, units, 0.8, 1.2)
