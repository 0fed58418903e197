"""What an analysis costs against units and against factors: whole processes.

    python -m benchmarks.attribution.speed --out speed.jsonl

Bundles of `wide` in the layout for speed, `python -m analytics BUNDLE --json` on each,
and random-forest importance (`forest`) on the same tables beside it, as far as that
ends in `--patience` seconds. Wall time from start to end of the process, peak memory of
all its processes together. What is in the file is not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNITS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
PARAMETERS = (25, 50, 100, 200, 400)
WIDE = 200
"""Parameters where units vary."""
LONG = 100_000
"""Units where parameters vary."""
LEVELS = 20
"""Categorical factors that `wide` adds to the parameters."""
METHODS = {
    "analysis": ("-m", "analytics", "{folder}", "--json"),
    "forest": ("-m", "benchmarks.attribution.forest", "{folder}"),
}
TICK = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")
Json = dict[str, Any]


def sizes(most: int) -> list[tuple[int, int]]:
    """(units, parameters) of every bundle, small ones first."""
    wanted = {(units, WIDE) for units in UNITS} | {(LONG, k) for k in PARAMETERS}
    wanted.add((UNITS[0], WIDE - LEVELS))
    return sorted(size for size in wanted if size[0] <= most)


def timed(command: list[str], patience: float) -> Json:
    """Run a process: seconds of wall time, and peak memory in MB with its children."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, start_new_session=True)
        peak, late = 0, False
        while process.poll() is None and not late:
            peak = max(peak, _memory(process.pid))
            late = time.perf_counter() - begun > patience
            time.sleep(TICK)
        if late:
            os.killpg(process.pid, 9)
        code = process.wait()
    seconds = time.perf_counter() - begun
    return {"seconds": round(seconds, 2), "peak_mb": peak >> 20, "code": code}


def _memory(session: int) -> int:
    """Resident bytes of all processes of a session."""
    return sum(_resident(folder, session) for folder in Path("/proc").glob("[0-9]*"))


def _resident(folder: Path, session: int) -> int:
    try:
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        if int(fields[3]) != session:
            return 0
        return int((folder / "statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def measure(
    folder: Path, size: tuple[int, int], methods: list[str], patience: float
) -> Iterator[Json]:
    """One line for each method, on one bundle."""
    units, parameters = size
    write = ["-m", "benchmarks.attribution.wide", str(folder)]
    counts = ["--units", str(units), "--parameters", str(parameters)]
    subprocess.run([sys.executable, *write, *counts], check=True)
    for method in methods:
        command = [part.format(folder=folder) for part in METHODS[method]]
        told = {"method": method, "units": units, "parameters": parameters}
        yield {**told, **timed([sys.executable, *command], patience)}


def done(path: Path) -> list[Json]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def hopeless(lines: list[Json], method: str, size: tuple[int, int]) -> bool:
    """Did a smaller bundle already outlast the patience (killed: code -9)?"""
    return any(
        line["method"] == method
        and line["code"] != 0
        and line["units"] <= size[0]
        and line["parameters"] <= size[1]
        for line in lines
    )


def main() -> None:
    asked = _parser().parse_args()
    for size in sizes(asked.most_units):
        lines = done(asked.out)
        known = {(li["method"], li["units"], li["parameters"]) for li in lines}
        methods = [
            method
            for method in asked.methods
            if (method, *size) not in known and not hopeless(lines, method, size)
        ]
        if not methods:
            continue
        with tempfile.TemporaryDirectory(prefix="causeline-wide-") as folder:
            for line in measure(Path(folder), size, methods, asked.patience):
                with asked.out.open("a") as out:
                    out.write(json.dumps(line) + "\n")
                print(*line.values(), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most-units", type=int, default=UNITS[-1])
    parser.add_argument("--patience", type=float, default=900.0, metavar="SECONDS")
    parser.add_argument(
        "--methods", nargs="+", default=list(METHODS), choices=list(METHODS)
    )
    return parser


if __name__ == "__main__":
    main()
