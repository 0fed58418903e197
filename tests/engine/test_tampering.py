"""Whatever is done to an engine or a model file, nothing is deserialised, and the right
reason is told. `python -m benchmarks.signing` does it 10,000 times.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from benchmarks.signing.attack import attack
from benchmarks.signing.site import HERE, make_site, stop
from inference_worker.engine.errors import BackendUnavailable

VARIANTS = 300


@pytest.mark.timeout(200)  # a pipe that is waited for
def test_nothing_tampered_with_is_deserialised(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    outcome = attack(VARIANTS)
    assert outcome.tried == VARIANTS
    assert outcome.wrong == []
    assert outcome.deserialised == 0


def test_what_nobody_touched_is_deserialised(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    given: list[bytes] = []
    site.use("engine", given.append)
    assert given == [(site.engine / "engine.plan").read_bytes()]
    assert site.machine == HERE
    with pytest.raises(BackendUnavailable, match="far enough"):
        site.use("onnx", stop)
