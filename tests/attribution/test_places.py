"""A cluster's name becomes a place that a person can find."""

from __future__ import annotations

import pytest
from django.utils import translation

from traceability.attribution.places import cluster_label, same_place


@pytest.mark.parametrize(
    ("cluster", "english", "chinese"),
    [
        ("x0.30-y0.65", "at the lower left (30 %, 65 %)", "左下方（30 %，65 %）"),
        ("x0.50-y0.50#2", "in the middle (50 %, 50 %) #2", "中部（50 %，50 %） #2"),
        ("background", "everywhere else", "其余位置"),
        ("left", "group left", "第 left 组"),
        ("all", "", ""),
    ],
)
def test_a_cluster_is_named_in_words(cluster, english, chinese):
    with translation.override("en"):
        assert cluster_label(cluster) == english
    with translation.override("zh-hans"):
        assert cluster_label(cluster) == chinese


def test_a_centre_that_moved_a_little_is_the_same_place():
    assert same_place("x0.30-y0.60", "x0.35-y0.60")
    assert same_place("left", "left")
    assert not same_place("x0.30-y0.60", "x0.40-y0.60")
    assert not same_place("x0.30-y0.60", "x0.30-y0.60#2")
    assert not same_place("all", "background")
