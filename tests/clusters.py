"""A Dask scheduler and worker processes for tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 60


@contextmanager
def scheduler() -> Iterator[str]:
    """The address of a scheduler without workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = _started("scheduler", "--host", "127.0.0.1", "--port", str(port))
    yield f"tcp://127.0.0.1:{port}"
    process.terminate()
    process.wait(PATIENCE)


@contextmanager
def workers(address: str, count: int = 2) -> Iterator[None]:
    """Workers of a scheduler, one thread each, for a while."""
    from distributed import Client

    own = ("worker", address, "--nthreads", "1", "--no-nanny")
    started = [_started(*own) for _ in range(count)]
    with Client(address, timeout=PATIENCE) as client:
        client.wait_for_workers(count, timeout=PATIENCE)
    yield
    for process in started:
        process.kill()
        process.wait(PATIENCE)


def _started(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL
    )
