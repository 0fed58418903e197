"""Looks into every file of a folder, all of which must be refused, in one process.

    python -m benchmarks.untrusted.caller FOLDER

One line of JSON: how many files, the slowest and its seconds, the median, by how many
bytes this process grew at most and how many the largest file has. Exit 1 when one is
taken. It parses nothing itself, so what it imports is what a caller would.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median

from inference_worker.untrusted.errors import ModelRefused
from inference_worker.untrusted.inspection import inspect


def main() -> None:
    before = _most_bytes()
    seconds, largest = {}, 0
    for path in sorted(Path(sys.argv[1]).iterdir()):
        largest = max(largest, path.stat().st_size)
        seconds[path.name] = _refuse(path)
    if "onnx" in sys.modules:
        sys.exit("the caller parses")
    slowest = max(seconds, key=seconds.__getitem__)
    told = {
        "files": len(seconds),
        "slowest": slowest,
        "slowest_seconds": round(seconds[slowest], 2),
        "median_seconds": round(median(seconds.values()), 2),
        "growth_bytes": _most_bytes() - before,
        "largest_bytes": largest,
    }
    print(json.dumps(told))


def _refuse(path: Path) -> float:
    """The seconds until it is refused."""
    started = time.monotonic()
    try:
        inspect(path)
    except ModelRefused:
        return time.monotonic() - started
    sys.exit(f"{path} was taken")


def _most_bytes() -> int:
    """Not ru_maxrss: a process inherits that of the one that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if "VmHWM" in line)


if __name__ == "__main__":
    main()
