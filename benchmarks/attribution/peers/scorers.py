"""Peers from the operation of services: BARO's robust scorer, PyRCA's two.

All three get the true onset. They compare the metrics of `series` before and after.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from baro.root_cause_analysis import robust_scorer
from pyrca.analyzers.epsilon_diagnosis import EpsilonDiagnosis, EpsilonDiagnosisConfig
from pyrca.analyzers.ht import HT, HTConfig

from benchmarks.attribution.peers.answers import Answer
from benchmarks.attribution.peers.series import Series

METRICS = 120
"""As many metrics ε-diagnosis compares in pairs: its cost grows with the square."""


def baro(series: Series) -> dict[str, list[Answer]]:
    """Ranks of `robust_scorer`, asked twice as it breaks ties by column order."""
    forward = _baro_ranks(series, list(series.frame))
    backward = _baro_ranks(series, list(series.frame)[::-1])
    scores = {m: -float(max(forward[m], backward[m])) for m in forward}
    return {"BARO scorer": series.answers(scores)}


def _baro_ranks(series: Series, metrics: list[str]) -> dict[str, int]:
    frame = series.frame[metrics].assign(time=np.arange(len(series.frame)))
    ranked = robust_scorer(frame, inject_time=series.onset)["ranks"]
    return {metric: rank for rank, metric in enumerate(ranked)}


def epsilon_diagnosis(series: Series) -> dict[str, list[Answer]]:
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
    scores = {metric: float(value) for metric, value in model.correlations.items()}
    return {"PyRCA ε-diagnosis": series.answers(scores)}


def hypothesis_testing(series: Series) -> dict[str, list[Answer]]:
    """Residuals that the time before does not explain; every metric feeds the rate."""
    before, after = _sides(series)
    metrics = list(series.frame)
    graph = pd.DataFrame(0, index=metrics, columns=metrics)
    model = HT(HTConfig(graph=graph, aggregator="sum", root_cause_top_k=len(metrics)))
    model.train(before)
    found = model.find_root_causes(after)
    scores = {node: float(score) for node, score in found.root_cause_nodes}
    return {"PyRCA HT": series.answers(scores)}


def _sides(series: Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    return series.frame.iloc[: series.onset], series.frame.iloc[series.onset :]
