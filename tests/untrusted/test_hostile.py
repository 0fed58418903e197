"""Every hostile file is refused for what is wrong with it, at no cost to the caller.

That a refusal comes within ten seconds is in test_limits.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from inference_worker.untrusted.errors import ModelRefused
from inference_worker.untrusted.inspection import inspect
from inference_worker.untrusted.limits import Limits
from tests.untrusted.hostile import FILES

REPOSITORY = Path(__file__).resolve().parents[2]
# Generous for a busy machine: what is refused for its time has that for a reason.
PATIENT = Limits(seconds=60)
MEBIBYTE = 2**20


@pytest.mark.parametrize("name", FILES)
def test_it_is_refused_for_what_is_wrong_with_it(name: str, tmp_path: Path) -> None:
    reason, make = FILES[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(make())
    with pytest.raises(ModelRefused) as caught:
        inspect(path, PATIENT)
    assert caught.value.reason == reason, str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert caught.value.hint


@pytest.mark.slow
def test_the_callers_memory_stays_flat(tmp_path: Path) -> None:
    for name, (_, make) in FILES.items():
        (tmp_path / name).write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.untrusted.caller", str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["files"] == len(FILES)
    assert 0 < told["growth_bytes"] < told["largest_bytes"] + 50 * MEBIBYTE
