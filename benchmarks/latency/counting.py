"""What counting costs a photo: CPU time of all that web and worker note about one.

    python -m benchmarks.latency.counting

The web counts as under gunicorn, in files that its processes share. The least of seven
runs of 2,000 photos each, every one in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

RUNS, PHOTOS = 7, 2000
SHARED = "PROMETHEUS_MULTIPROC_DIR"


def web() -> Callable[[], None]:
    from traceability.lib import measures

    def one() -> None:
        laps = measures.Laps()
        for stage in ("receive", "check", "store", "enter"):
            laps.lap(stage)
        measures.WAITING.inc()
        measures.STAGE_SECONDS.labels("wake").observe(0.002)
        measures.WAITS.labels("woken").inc()
        measures.WAITING.dec()
        laps.skip()
        laps.lap("answer")
        laps.observe()
        route = "api/v1/inspections/"
        measures.HTTP_REQUESTS.labels("POST", route, "201").inc()

    return one


def worker() -> Callable[[], None]:
    from inference_worker import measures

    spent = {"queue": 1.0, "decode": 2.0, "wait": 0.5, "infer": 30.0, "write": 0.5}
    looked = ("clean", "openvino", "pcb-defects", "3")

    def one() -> None:
        measures.BATCH.observe(1)
        measures.INSPECTIONS.labels(*looked).inc()
        for stage, milliseconds in (spent | {"commit": 4.0}).items():
            measures.STAGE_SECONDS.labels(stage).observe(milliseconds / 1000)
        measures.SECONDS.observe(0.06)

    return one


def microseconds(one: Callable[[], None]) -> float:
    least = float("inf")
    for _ in range(RUNS):
        began = time.process_time()
        for _ in range(PHOTOS):
            one()
        least = min(least, time.process_time() - began)
    return least / PHOTOS * 1e6


def main() -> None:
    if sys.argv[1:]:
        part = {"web": web, "worker": worker}[sys.argv[1]]
        print(f"{sys.argv[1]}: {microseconds(part()):.0f} µs a photo")
        return
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        for name, environment in (("web", {SHARED: folder}), ("worker", {})):
            command = [sys.executable, "-m", __spec__.name, name]
            subprocess.run(command, env=os.environ | environment, check=True)


if __name__ == "__main__":
    main()
