"""The map of where a cluster's defects lie."""

from __future__ import annotations

import pandas as pd

from analytics.charts.board import board_map
from analytics.core.board import board_columns
from analytics.core.clustering import Cluster
from analytics.core.exhibit import LIMIT


def cluster(name, x, n):
    return Cluster(
        name, pd.DataFrame({"x": [x] * n, "y": 0.25, "width": 0.1, "height": 0.1}), None
    )


def test_the_map_shows_the_cluster_among_the_others():
    own, other = cluster("spot", 0.25, 3), cluster("background", 0.5, 2)
    columns = board_columns(own, [own, other])
    assert columns["x"] == [0.3, 0.3, 0.3, 0.55, 0.55]
    assert columns["highlighted"] == [1, 1, 1, 0, 0]
    figure = board_map(columns, {})
    assert [points["name"] for points in figure["data"]] == [
        "Others of the class",
        "This group",
    ]
    assert figure["layout"]["yaxis"]["range"] == [1, 0]


def test_the_map_stays_small_and_skips_what_has_no_position():
    own, other = cluster("spot", 0.1, 5000), cluster("background", None, 10)
    columns = board_columns(own, [own, other])
    assert len(columns["x"]) <= LIMIT
    assert set(columns["highlighted"]) == {1}
