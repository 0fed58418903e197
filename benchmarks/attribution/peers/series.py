"""The table as time series, for peers that compare metrics before and after an onset.

Every reading and age gives its mean by bin of time; every level gives the share of
units that met it and the defect rate among them, as a service has load and errors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from benchmarks.attribution.peers.answers import Answer
from benchmarks.attribution.peers.commonality import FEWEST, worst_levels
from benchmarks.attribution.peers.table import Json, Table

SHARE, RATE = "|share", "|rate"
BINS = 100
LEAST = 10
"""Bins on either side of the onset, at the least."""


@dataclass(frozen=True)
class Series:
    """`frame`: one row a bin of equally many units, one column a metric.

    `says`: what is claimed when the metric is the answer. `onset`: the first bin of
    the episode.
    """

    frame: pd.DataFrame
    says: dict[str, tuple[Json, ...]]
    onset: int

    def numbers(self) -> Series:
        """Without the metrics of levels."""
        kept = [m for m in self.frame if not m.endswith((SHARE, RATE))]
        says = {metric: self.says[metric] for metric in kept}
        return replace(self, frame=self.frame[kept], says=says)

    def answers(self, scores: dict[str, float]) -> list[Answer]:
        """Candidates by the best of their metrics; metrics without score are last."""
        best: dict[str, tuple[float, tuple[Json, ...]]] = {}
        for metric, claims in self.says.items():
            key, score = repr(claims), scores.get(metric, -np.inf)
            best[key] = max(
                best.get(key, (-np.inf, claims)), (score, claims), key=_first
            )
        return [Answer(score, claims) for score, claims in best.values()]


def _first(pair: tuple[float, tuple[Json, ...]]) -> float:
    return pair[0]


def series_of(table: Table, onset: float) -> Series:
    """`onset`: seconds; moved inwards so that both sides have bins enough."""
    order = np.argsort(table.at, kind="stable")
    bins = np.empty(order.size, dtype=int)
    bins[order] = np.arange(order.size) * BINS // order.size
    first = int(np.searchsorted(table.at[order], onset) * BINS // order.size)
    columns, says = _numbers(table, bins)
    shares, said = _levels(table, bins)
    return Series(
        pd.DataFrame({**columns, **shares}),
        {**says, **said},
        int(np.clip(first, LEAST, BINS - LEAST)),
    )


Metrics = tuple[dict[str, np.ndarray], dict[str, tuple[Json, ...]]]


def _numbers(table: Table, bins: np.ndarray) -> Metrics:
    columns, says = {}, {}
    worst = worst_levels(table)
    for factor, column in table.values.items():
        if factor.numeric:
            means = pd.Series(column).groupby(bins).mean().reindex(range(BINS))
            columns[factor.label] = means.ffill().bfill().to_numpy()
            says[factor.label] = worst[factor]
    return columns, says


def _levels(table: Table, bins: np.ndarray) -> Metrics:
    columns, says = {}, {}
    units = np.bincount(bins, minlength=BINS)
    for factor, column in table.values.items():
        if factor.numeric:
            continue
        for level in np.unique(column):
            own = column == level
            if level == "" or own.sum() < FEWEST:
                continue
            met = np.bincount(bins[own], minlength=BINS)
            bad = np.bincount(bins[own & table.defective], minlength=BINS)
            label = f"{factor.label}|{level}"
            columns[label + SHARE] = met / units
            columns[label + RATE] = bad / np.maximum(met, 1)
            claims = (factor.claim(str(level)),)
            says[label + SHARE] = says[label + RATE] = claims
    return columns, says
