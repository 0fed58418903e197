"""The sections of the report that set other methods beside the analysis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.attribution.markdown import median, number, table
from benchmarks.attribution.results import PLANTED, Json, first, of_kind, share

OURS = "this analysis"


def method_shares(
    ours: Sequence[Json], said: Sequence[Json], within: int = 1
) -> dict[str, dict[str, float]]:
    """Share of lines with a plant within the first answers, by method and kind.

    Ours first, then the peers, the best first.
    """
    by_method: dict[str, list[Json]] = {}
    for line in said:
        by_method.setdefault(line["method"], []).append(line)
    shares = {method: _by_kind(own, within) for method, own in by_method.items()}
    best = sorted(shares, key=lambda method: -shares[method]["all"])
    return {OURS: _by_kind(ours, within), **{method: shares[method] for method in best}}


def _by_kind(lines: Sequence[Json], within: int) -> dict[str, float]:
    kinds = {kind: of_kind(lines, kind) for kind in PLANTED}
    found = {
        kind: share(first(line, within) for line in own)
        for kind, own in kinds.items()
        if own
    }
    return {**found, "all": share(first(line, within) for line in lines)}


def peers(ours: Sequence[Json], said: Sequence[Json]) -> str:
    """Every method on the same detectable lines."""
    top1, top3 = method_shares(ours, said), method_shares(ours, said, within=3)
    seconds = _peer_seconds(ours, said)
    runs = {method: sum(li["method"] == method for li in said) for method in top1}
    runs[OURS] = len(ours)
    rows = [
        (
            method,
            str(runs[method]),
            *(number(top1[method].get(kind, float("nan")), 2) for kind in PLANTED),
            number(top1[method]["all"], 2),
            number(top3[method]["all"], 2),
            number(seconds[method], 1),
        )
        for method in top1
    ]
    columns = ("method", "runs", *PLANTED, "Top-1", "Top-3", "median s")
    return f"## Peers on the same lines\n\n{PEERS}\n\n{table(columns, rows)}"


def _peer_seconds(ours: Sequence[Json], said: Sequence[Json]) -> dict[str, float]:
    lines = [*({"method": OURS, **run} for run in ours), *said]
    methods = {line["method"] for line in lines}
    return {
        method: median(li["seconds"] for li in lines if li["method"] == method)
        for method in methods
    }


PEERS = """Detectable lines only, the very same ones for all. Every peer gets the
flat table: one row a unit, all factors, ages included. Ties count as the worst rank; an
alias of the cause counts as right, for all.

- **commonality**: hypergeometric tail of every level, of thresholds at quantiles and of
  every lot on every machine, by log p (Benjamini-Hochberg keeps the order).
- **forest** (impurity, or permutation on held-out units) and **SHAP** (exact TreeSHAP
  of LightGBM: mean size, or mean on the defective units) rank factors. The factor alone
  is right for parameters, ages and operators; of lots and equipment its worst level by
  commonality must be right too; a pair is right when nothing wrong comes before its
  parts.
- **BARO scorer** and **PyRCA** (ε-diagnosis, HT) get the true onset, and series of 100
  bins of time: means of readings and ages, and the share and defect rate of every
  level; or of readings and ages alone ("readings").
- **DoWhy-GCM** gets the true onset, and the ten factors that commonality puts first.

Sizes of trees and metrics were chosen for the peers' best on development lines. Where a
method has variants all are listed; the best one is its best light. Variants and
the three that share the series are timed together."""


def speed(lines: Sequence[Json]) -> str:
    """Seconds and memory by size; what did not end is said."""
    sizes = sorted({(line["units"], line["parameters"]) for line in lines})
    known = {(li["units"], li["parameters"], li["method"]): li for li in lines}
    rows = [
        (
            f"{units:,}",
            str(parameters),
            *_cost(known.get((units, parameters, "analysis"))),
            *_cost(known.get((units, parameters, "forest"))),
        )
        for units, parameters in sizes
    ]
    columns = ("units", "parameters", "s", "MB", "forest, s", "forest, MB")
    told = (
        "Whole processes from start to end, Parquet bundle in the column layout to "
        "JSON, 20 categorical factors with 2,000 levels beside the parameters. "
        "Random-forest importance (100 trees, two cores) on the same tables."
        f"{_exponents(lines)}"
    )
    return f"## Speed\n\n{told}\n\n{table(columns, rows)}"


def _exponents(lines: Sequence[Json]) -> str:
    """Slope of log seconds on log size above the start-up time's reach."""
    told = []
    for over, other, fixed in (
        ("units", "parameters", 200),
        ("parameters", "units", 100_000),
    ):
        own = [
            (line[over], line["seconds"])
            for line in lines
            if line["method"] == "analysis"
            and line[other] == fixed
            and not line["code"]
        ]
        if len(own) > 2:
            size, seconds = np.log(np.array(own)).T
            told.append(f"{np.polyfit(size, seconds, 1)[0]:.2f} in {over}")
    return f" Exponent of the analysis: {', '.join(told)}." if told else ""


def _cost(line: Json | None) -> tuple[str, str]:
    if line is None:
        return "", ""
    if line["code"] != 0:
        return f"not within {line['seconds']:.0f}", ""
    return number(line["seconds"], 1), f"{line['peak_mb']:,}"
