"""What was accepted is inspected, each photo once, whatever dies meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.faults.run import BAR_DEATHS, Plan, measure

EMBEDDED = Plan("embedded", kills=3, redis=2, poison=1, others=1, rate=5)
SERVICES = Plan("postgres", kills=2, redis=1, postgres=2, rate=5)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    "plan",
    [EMBEDDED, pytest.param(SERVICES, marks=pytest.mark.service)],
    ids=["embedded", "services"],
)
def test_nothing_is_lost_and_nothing_is_there_twice(plan: Plan, tmp_path: Path) -> None:
    """As `python -m benchmarks.faults.run` does at length."""
    report = measure(plan, tmp_path)
    print("\n", json.dumps({"recovery": report["recovery"]}))
    ledger = report["ledger"]
    assert ledger["photos"] > 100
    for bad in ("lost", "double", "wrong", "unknown", "poison_not_quarantined"):
        assert ledger[bad] == [], bad
    assert report["recovery"]["inspect -9"]["silent"]["most"] > 1, "it was killed"
    assert report["poison_deaths"] == BAR_DEATHS * plan.poison
