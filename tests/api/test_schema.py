"""The documentation is whole, and is served without the network."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def test_the_schema_has_no_warning(tmp_path):
    call_command(
        "spectacular", file=str(tmp_path / "s.yml"), validate=True, fail_on_warn=True
    )


def test_the_documentation_is_served_locally(client):
    page = client.get("/api/docs/").content.decode()
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert sources
    assert all(source.startswith("/") for source in sources), sources


def test_problems_are_listed_newest_first(reader, station):
    from traceability.attribution.services import store_run

    nothing = {"units": 0, "hypotheses": 0, "seed": 0, "input_sha256": "a" * 64}
    about = {"code_version": "1", "started_at": "2026-03-11T00:00:00Z"}
    problem = {
        "defect_class": "open",
        "cluster": "all",
        "question": "chronic",
        "defective_units": 3,
        "rate": 0.1,
        "onset": None,
        "unexplained_share": 1.0,
        "not_recorded": [],
        "credible_sets": [],
        "causes": [],
        "chronic": [],
    }
    runs = [
        store_run(
            station.line,
            {**nothing, "result_sha256": "b" * 64, "problems": [problem]},
            about,
        )
        for _ in range(2)
    ]
    listed = reader.get("/api/v1/problems/").json()["results"]
    assert [item["run"] for item in listed] == [str(r.pk) for r in reversed(runs)]
    latest = reader.get("/api/v1/problems/?latest=true&line=L1").json()["results"]
    assert [item["run"] for item in latest] == [str(runs[1].pk)]
