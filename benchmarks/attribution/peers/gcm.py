"""DoWhy-GCM on the ten factors that commonality analysis finds most telling.

Ten parents of the defect, two questions of the library: what changed between baseline
and episode (`distribution_change`, of the mean), and what made the defective units
outliers (`attribute_anomalies`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import networkx
import numpy as np
import pandas as pd
from dowhy import gcm
from scipy.stats import ks_2samp
from sklearn.ensemble import GradientBoostingRegressor

from benchmarks.attribution.peers.answers import Answer
from benchmarks.attribution.peers.commonality import Finding, findings, worst_levels
from benchmarks.attribution.peers.table import Json, Table

SCREENED = 10
SAMPLES = 500
OUTLIERS = 20
"""Defective units whose anomaly is attributed."""
ORDERS = 12
"""Orders of the factors that the Shapley values are averaged over."""
LEAST = 0.1
"""Least share of the units in baseline and episode each."""
TREES = 60
TARGET = "defective"


def graph_model(table: Table, onset: float) -> dict[str, list[Answer]]:
    """Both attributions. `onset`: seconds."""
    gcm.config.disable_progress_bars()
    gcm.config.set_default_n_jobs(1)
    chosen = findings(table)[:SCREENED]
    frame = _frame(table, chosen)
    start = float(np.clip(np.mean(table.at < onset), LEAST, 1 - LEAST))
    episode = table.at >= np.quantile(table.at, start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        changed = _changed(frame, episode)
        outlying = _outlying(frame, table.defective)
    return {
        "DoWhy-GCM, change": _answers(table, chosen, changed),
        "DoWhy-GCM, anomalies": _answers(table, chosen, outlying),
    }


def _frame(table: Table, chosen: list[Finding]) -> pd.DataFrame:
    """Numbers as they are (the median where missing), levels as 0 and 1."""
    columns = {}
    for place, finding in enumerate(chosen):
        values = finding.exposed.astype(float)
        if finding.factor.numeric:
            values = table.values[finding.factor]
            values = np.where(np.isnan(values), np.nanmedian(values), values)
        columns[str(place)] = values
    return pd.DataFrame({**columns, TARGET: table.defective.astype(float)})


def _changed(frame: pd.DataFrame, episode: np.ndarray) -> Mapping[str, float]:
    gcm.util.general.set_random_seed(0)
    return gcm.distribution_change(
        _model(frame),
        frame[~episode],
        frame[episode],
        TARGET,
        num_samples=SAMPLES,
        difference_estimation_func=lambda old, new: float(np.mean(new) - np.mean(old)),
        independence_test=_moved,
        conditional_independence_test=lambda *_: 0.0,
        shapley_config=_shapley(),
    )


def _moved(values: np.ndarray, side: np.ndarray) -> float:
    """p-value that a factor's distribution is the same on both sides."""
    first = side.ravel() == side.ravel()[0]
    return float(ks_2samp(values[first].ravel(), values[~first].ravel()).pvalue)


def _outlying(frame: pd.DataFrame, defective: np.ndarray) -> Mapping[str, float]:
    gcm.util.general.set_random_seed(0)
    model = _model(frame)
    gcm.fit(model, frame)
    rows = np.flatnonzero(defective)
    rng = np.random.default_rng(0)
    rows = rng.choice(rows, min(OUTLIERS, rows.size), replace=False)
    shares = gcm.attribute_anomalies(
        model,
        TARGET,
        frame.iloc[rows],
        attribute_mean_deviation=True,
        num_distribution_samples=SAMPLES,
        shapley_config=_shapley(),
    )
    return {node: float(np.mean(values)) for node, values in shares.items()}


def _model(frame: pd.DataFrame) -> gcm.InvertibleStructuralCausalModel:
    edges = [(node, TARGET) for node in frame if node != TARGET]
    model = gcm.InvertibleStructuralCausalModel(networkx.DiGraph(edges))
    for node, _ in edges:
        model.set_causal_mechanism(node, gcm.EmpiricalDistribution())
    trees = GradientBoostingRegressor(n_estimators=TREES, random_state=0)
    mechanism = gcm.AdditiveNoiseModel(gcm.ml.SklearnRegressionModel(trees))
    model.set_causal_mechanism(TARGET, mechanism)
    return model


def _shapley() -> gcm.shapley.ShapleyConfig:
    return gcm.shapley.ShapleyConfig(
        approximation_method=gcm.shapley.ShapleyApproximationMethods.PERMUTATION,
        num_permutations=ORDERS,
        n_jobs=1,
    )


def _answers(
    table: Table, chosen: list[Finding], scores: Mapping[str, float]
) -> list[Answer]:
    """The screened factors by score; what was screened out is last, all tied."""
    worst = worst_levels(table)
    said = [_said(finding, worst) for finding in chosen]
    return [Answer(float(scores[str(k)]), claims) for k, claims in enumerate(said)]


def _said(finding: Finding, worst: Mapping) -> tuple[Json, ...]:
    return worst[finding.factor] if finding.factor.numeric else (finding.claim,)
