"""The map of a cluster on the page of its problem."""

from __future__ import annotations

from traceability.attribution.models import Problem
from traceability.attribution.wording import problem_title
from traceability.catalog.models import DefectClass
from traceability.dashboards.evidence import board_exhibit

BOARD = {"x": [0.31, 0.7], "y": [0.62, 0.1], "highlighted": [1, 0]}


def test_a_cluster_is_shown_on_a_map_with_its_table():
    shown = board_exhibit(Problem(overview={"board": BOARD}))
    assert shown.rows[0][:2] == ["31.0 %", "62.0 %"]
    assert len(shown.figure["data"]) == 2


def test_a_whole_class_has_no_map():
    assert board_exhibit(Problem(overview={"board": {}})) is None
    assert board_exhibit(Problem(overview={})) is None


def test_the_title_says_where_the_cluster_lies():
    problem = Problem(
        defect_class=DefectClass(code="void", name_en="Void"),
        cluster="x0.30-y0.65",
        question="chronic",
    )
    title = "Void at the lower left (30 %, 65 %): a steady source of defects"
    assert problem_title(problem) == title
