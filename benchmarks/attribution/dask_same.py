"""Does a Dask cluster give the ranking of one process? Both on one bundle.

    python -m benchmarks.attribution.dask_same FOLDER

FOLDER: a bundle with readings as columns, such as one of `wide`. Starts a scheduler
and two workers of one thread each on this machine, runs `python -m analytics FOLDER
--json` without and with `--dask`, and prints as JSON: whether the ranking and the
whole answer are equal, the largest difference of a confidence, and for each way the
seconds and the peak memory of each process. Exit code 1 when they differ.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

WORKERS = 2
TOLERANCE = 1e-6
TICK = 0.1
START_SECONDS = 60
ROOT = Path(__file__).parents[2]
Json = dict[str, Any]
Process = subprocess.Popen[bytes]


@contextmanager
def cluster() -> Iterator[tuple[str, dict[str, Process]]]:
    """The address of a scheduler with its workers, and the processes by name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    port = address.rpartition(":")[2]
    found = {"scheduler": _dask("scheduler", "--host", "127.0.0.1", "--port", port)}
    for number in range(1, WORKERS + 1):
        options = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0")
        found[f"worker {number}"] = _dask("worker", address, *options)
    try:
        _await_workers(address)
        yield address, found
    finally:
        for process in found.values():
            process.kill()
            process.wait()


def _dask(*arguments: str) -> Process:
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def _await_workers(address: str) -> None:
    from distributed import Client

    with Client(address, timeout=START_SECONDS) as client:
        client.wait_for_workers(WORKERS, timeout=START_SECONDS)


def timed(folder: Path, options: list[str], others: dict[str, Process]) -> Json:
    """Run the analysis: its answer, seconds, and peak MB of it and of the others."""
    command = [sys.executable, "-m", "analytics", str(folder), "--json", *options]
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, cwd=ROOT)
        watched = {"analysis": process, **others}
        peak = dict.fromkeys(watched, 0)
        while process.poll() is None:
            for name, own in watched.items():
                peak[name] = max(peak[name], _resident(own))
            time.sleep(TICK)
        seconds = time.perf_counter() - begun
        said.seek(0)
        answer: Json = json.load(said)
    return {"answer": answer, "seconds": round(seconds, 1), "peak_mb": peak}


def _resident(process: Process) -> int:
    try:
        return int(psutil.Process(process.pid).memory_info().rss) >> 20
    except psutil.NoSuchProcess:
        return 0


def ranking(answer: Json) -> list[tuple[str, ...]]:
    """Who stands where, in all lists of all problems."""
    return [
        (problem["defect_class"], problem["cluster"], kept, *_named(cause))
        for problem in answer["problems"]
        for kept in ("causes", "chronic")
        for cause in problem[kept]
    ]


def _named(cause: Json) -> tuple[str, ...]:
    names = ("rank", "kind", "operation", "factor", "level")
    return tuple(str(cause[name]) for name in names)


def confidences(answer: Json) -> list[float]:
    return [
        float(cause["confidence"])
        for problem in answer["problems"]
        for kept in ("causes", "chronic")
        for cause in problem[kept]
    ]


def compared(near: Json, far: Json) -> Json:
    """Whether both answers are one, and how far apart they are."""
    pairs = zip(confidences(near["answer"]), confidences(far["answer"]), strict=False)
    return {
        "units": near["answer"]["units"],
        "hypotheses": near["answer"]["hypotheses"],
        "causes": len(confidences(near["answer"])),
        "same_ranking": ranking(near["answer"]) == ranking(far["answer"]),
        "confidence_difference": max((abs(a - b) for a, b in pairs), default=0.0),
        "same_answer": near["answer"] == far["answer"],
    }


def main() -> int:
    asked = _parser().parse_args()
    near = timed(asked.folder, [], {})
    with cluster() as (address, processes):
        far = timed(asked.folder, ["--dask", address], processes)
    found = compared(near, far)
    for name, way in (("in_process", near), ("dask", far)):
        found[name] = {key: way[key] for key in ("seconds", "peak_mb")}
    print(json.dumps(found, indent=1))
    close = found["confidence_difference"] <= TOLERANCE
    return 0 if found["same_ranking"] and close else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    return parser


if __name__ == "__main__":
    sys.exit(main())
