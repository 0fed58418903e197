"""Every hostile file is refused for what is wrong with it, at no cost to the caller."""

from __future__ import annotations

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

MEASURE = """
import sys
from pathlib import Path
from inference_worker.untrusted.errors import ModelRefused
from inference_worker.untrusted.inspection import inspect

def most():
    # Not ru_maxrss: a process inherits that of the one that started it.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if "VmHWM" in line)

before, largest = most(), 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    largest = max(largest, path.stat().st_size)
    try:
        inspect(path)
    except ModelRefused:
        continue
    sys.exit(f"{path} was taken")
assert "onnx" not in sys.modules
print(most() - before, largest)
"""


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
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        check=True,
    )
    growth, largest = map(int, done.stdout.split())
    assert 0 < growth < largest + 50 * MEBIBYTE
