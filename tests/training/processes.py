"""Trainings as people start them: processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]


def started(log: Path, *words: object) -> subprocess.Popen[bytes]:
    """A training on one thread, as sums depend on how many there are; all that it
    says goes to the log.
    """
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "inference_worker.training", *map(str, words)],
            cwd=ROOT,
            stdout=file,
            stderr=file,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )


def ended(log: Path, *words: object) -> tuple[int, str]:
    """A training's exit status and what it said."""
    status = started(log, *words).wait()
    return status, log.read_text()


def wait_until(met: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """AssertionError when the process ends before."""
    while not met():
        assert process.poll() is None, "the training ended too early"
        time.sleep(0.05)
