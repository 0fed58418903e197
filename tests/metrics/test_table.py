"""docs/metrics.md tells of every figure, and of none that is not there.

Those of a worker are in tests/worker/test_figures.py.
"""

from __future__ import annotations

import pytest

import traceability.lib.measures
from tests.metrics.table import counted_by, documented, told
from traceability.api.depths import Depths


@pytest.mark.django_db
def test_what_the_web_tells() -> None:
    counted = counted_by(traceability.lib.measures)
    assert told([*counted, *Depths().collect()]) == documented("web", "both")
