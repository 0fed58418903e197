"""Clusters of defects: what stands out is told apart, what does not is left whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from analytics.core.clustering import (
    ALL,
    BACKGROUND,
    cluster_defects,
    clusters_of,
    spot_names,
)
from analytics.core.frames import Bundle
from analytics.core.population import Population
from benchmarks.attribution.spot_scenarios import NOTHING, SCENARIOS, draw
from tests.analytics.scene import tiny_frames

PLANTED = (
    "uniform, from an onset",
    "uniform, always",
    "lattice, from an onset",
    "edges, from an onset",
    "products, from an onset",
    "scratch",
    "two spots",
    "a window on lattice",
    "1,000 defects, 5 %",
)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_spot_is_told_apart(name):
    indices = []
    for seed in range(3):
        defects, truth, _ = draw(SCENARIOS[name], seed)
        indices.append(adjusted_rand_score(truth, cluster_defects(defects)))
    assert np.median(indices) >= 0.8


@pytest.mark.parametrize("name", [name for name in NOTHING if "300" in name])
def test_a_background_is_left_whole(name):
    defects, _, _ = draw(NOTHING[name], 2)
    assert set(cluster_defects(defects)) == {ALL}


def test_the_order_of_rows_changes_nothing():
    defects, _, _ = draw(SCENARIOS["lattice, from an onset"], 0)
    order = np.random.default_rng(0).permutation(len(defects))
    labels = cluster_defects(defects)
    assert len(set(labels)) == 2
    assert (cluster_defects(defects.iloc[order]) == labels[order]).all()


def test_defects_without_a_position_are_background():
    defects, _, _ = draw(SCENARIOS["uniform, from an onset"], 0)
    blank = defects.assign(x=np.nan, y=np.nan).head(20)
    labels = cluster_defects(pd.concat([defects, blank], ignore_index=True))
    assert set(labels[-20:]) == {BACKGROUND}
    assert len(set(labels)) == 2


def test_without_positions_there_is_one_cluster():
    defects, _, _ = draw(SCENARIOS["uniform, from an onset"], 0)
    blank = defects.assign(x=np.nan, y=np.nan)
    assert set(cluster_defects(blank)) == {ALL}
    assert cluster_defects(defects.head(0)).size == 0


def test_defects_at_one_point_at_one_time_are_no_fault():
    defects, _, _ = draw(NOTHING["uniform, 300"], 0)
    same = defects.assign(x=0.5, y=0.5, width=0.01, height=0.01, at=0.0)
    assert len(cluster_defects(same)) == len(same)


def test_one_cracked_unit_is_not_a_cluster():
    defects, _, _ = draw(NOTHING["uniform, 300"], 2)
    crack = pd.DataFrame({"x": np.linspace(0.5, 0.52, 25), "y": 0.4, "unit": "broken"})
    crack = crack.assign(width=0.01, height=0.01, at=1e6, product="P")
    labels = cluster_defects(pd.concat([defects, crack], ignore_index=True))
    assert set(labels) == {ALL}


def test_the_name_of_a_spot_says_where_it_is_and_stays():
    at = [np.array([0.31, 0.62]), np.array([0.305, 0.612]), np.array([0.8, 0.1])]
    assert spot_names(at) == ["x0.30-y0.60", "x0.30-y0.60#2", "x0.80-y0.10"]


def bundle(defects, **frames):
    return Bundle.of({**tiny_frames(), **frames, "defects": defects})


def test_clusters_that_the_bundle_names_are_believed():
    units = tiny_frames()["units"]["unit"].head(3).to_list()
    defects = pd.DataFrame({"unit": units, "defect_class": "void"})
    named = bundle(defects.assign(cluster=["left", "left", ""]))
    found = clusters_of(named, Population.of(named), "void")
    assert [c.name for c in found] == ["left", BACKGROUND]
    assert [len(c.defects) for c in found] == [2, 1]


def test_clusters_partition_the_defects_of_a_class():
    drawn, truth, _ = draw(SCENARIOS["uniform, from an onset"], 0)
    at = pd.to_datetime(drawn["at"], unit="s", utc=True)
    names = "u" + drawn["unit"].str.zfill(4)
    units = pd.DataFrame({"unit": names, "product": drawn["product"], "batch": ""})
    defects = drawn[["x", "y", "width", "height"]].assign(
        unit=names, defect_class="void"
    )
    own = Bundle.of({"units": units.assign(completed_at=at), "defects": defects})
    found = clusters_of(own, Population.of(own), "void")
    assert [c.name for c in found][-1] == BACKGROUND
    assert sum(len(c.defects) for c in found) == len(defects)
    inside = names.isin(found[0].defects["unit"].astype(str))
    assert adjusted_rand_score(truth, inside) >= 0.8
    spot = drawn[["x", "y"]][truth == 1].median() + 0.005
    assert found[0].centre == pytest.approx(tuple(spot), abs=0.01)
