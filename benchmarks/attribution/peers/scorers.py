"""Peers from the operation of services: BARO's robust scorer, PyRCA's two.

All three get the true onset. They compare the metrics of `series` before and after:
all of them, or those of readings and ages alone, where fewer can be confused.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from baro.root_cause_analysis import robust_scorer
from pyrca.analyzers.epsilon_diagnosis import EpsilonDiagnosis, EpsilonDiagnosisConfig
from pyrca.analyzers.ht import HT, HTConfig

from benchmarks.attribution.peers.answers import Answer
from benchmarks.attribution.peers.series import Series

Scores = dict[str, float]
Answers = dict[str, list[Answer]]
METRICS = 120
"""As many metrics ε-diagnosis compares in pairs: its cost grows with the square."""


def scored(series: Series) -> Answers:
    """Every scorer on all metrics and on the numbers alone."""
    found = {}
    for words, metrics in (("", series), (", readings", series.numbers())):
        for method, scorer in SCORERS.items():
            found[method + words] = metrics.answers(scorer(metrics))
    return found


def baro(series: Series) -> Scores:
    """Ranks of `robust_scorer`, asked twice as it breaks ties by column order."""
    forward = _baro_ranks(series, list(series.frame))
    backward = _baro_ranks(series, list(series.frame)[::-1])
    return {m: -float(max(forward[m], backward[m])) for m in forward}


def _baro_ranks(series: Series, metrics: list[str]) -> dict[str, int]:
    frame = series.frame[metrics].assign(time=np.arange(len(series.frame)))
    ranked = robust_scorer(frame, inject_time=series.onset)["ranks"]
    return {metric: rank for rank, metric in enumerate(ranked)}


def epsilon_diagnosis(series: Series) -> Scores:
    """Squared correlation of each metric's episode with as long a time before it.

    The metrics that moved most are taken; it needs as many bootstraps as metrics.
    """
    before, after = _sides(series)
    length = min(len(before), len(after))
    normal, episode = before.tail(length), after.head(length)
    moved = (after.mean() - before.mean()).abs() / (series.frame.std() + 1e-12)
    chosen = list(moved.sort_values(ascending=False, kind="stable").index[:METRICS])
    np.random.seed(0)  # noqa: NPY002 - PyRCA draws from the global generator
    model = EpsilonDiagnosis(
        EpsilonDiagnosisConfig(bootstrap_time=METRICS, root_cause_top_k=METRICS)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.train(normal[chosen].reset_index(drop=True))
        model.find_root_causes(episode[chosen].reset_index(drop=True))
    return {metric: float(value) for metric, value in model.correlations.items()}


def hypothesis_testing(series: Series) -> Scores:
    """Size of what the time before does not explain, no metric a cause of another."""
    before, after = _sides(series)
    metrics = list(series.frame)
    graph = pd.DataFrame(0, index=metrics, columns=metrics)
    model = HT(HTConfig(graph=graph, aggregator="sum", root_cause_top_k=len(metrics)))
    model.train(before)
    found = model.find_root_causes(after)
    return {node: float(score) for node, score in found.root_cause_nodes}


SCORERS: dict[str, Callable[[Series], Scores]] = {
    "BARO scorer": baro,
    "PyRCA HT": hypothesis_testing,
    "PyRCA ε-diagnosis": epsilon_diagnosis,
}


def _sides(series: Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    return series.frame.iloc[: series.onset], series.frame.iloc[series.onset :]
