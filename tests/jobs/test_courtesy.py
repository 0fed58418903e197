"""Workers that are not the line's stand back: in the scheduler's own figures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from traceability.jobs.courtesy import NICENESS
from traceability.lib.programs import programs

ASK = """
import os
from celery.signals import worker_ready
from traceability.jobs import courtesy
worker_ready.send(None)
print(os.getpriority(os.PRIO_PROCESS, 0))
"""


@pytest.mark.parametrize("given", [0, 15])
def test_it_stands_back_but_never_comes_forward(given: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        preexec_fn=lambda: os.nice(given),
        capture_output=True,
        text=True,
        check=True,
    )
    begun = min(19, os.getpriority(os.PRIO_PROCESS, 0) + given)
    assert int(done.stdout) == max(NICENESS, begun)


def test_only_what_follows_from_photos_stands_back(tmp_path: Path) -> None:
    parts = {"analysis", "clock", "inspect"}
    every = programs(tmp_path, "127.0.0.1", 1, parts, [])
    polite = {one.name for one in every if "courtesy" in " ".join(one.command)}
    assert polite == {"analysis", "clock"}


MULTIPLY = """
from celery.signals import worker_ready
import numpy
from threadpoolctl import threadpool_info
from traceability.jobs import courtesy
worker_ready.send(None)
import sklearn.cluster
print(sum(pool["num_threads"] > 1 for pool in threadpool_info()))
"""


def test_what_stands_back_computes_on_one_thread() -> None:
    """Whether the library was loaded before or is loaded after."""
    words = [sys.executable, "-c", MULTIPLY]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(done.stdout) == 0
