"""Bar 8, shortened: the broker is away under load, the publisher is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import outage

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.timeout(300)]


def test_every_result_arrives_in_order_after_the_broker_was_away(
    tmp_path: Path,
) -> None:
    found = outage.run(tmp_path, seconds=8, rate=6, kills=3)
    assert found["refused"] == 0
    assert found["uploaded"] > 60
    assert found["arrived"] == found["uploaded"]
    assert found["in_order_without_gap"]
    assert sum(found["by_station"].values()) == found["uploaded"], "none counted twice"
    assert found["most_waiting"] > 20, "they waited in the database meanwhile"
