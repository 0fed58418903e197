"""`python -m benchmarks.detector.unlike FOLDER [--only steel] [--seed 0]`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from benchmarks.detector.unlike.folder import write_sets
from benchmarks.detector.unlike.sets import SETS


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.detector.unlike")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=sorted(SETS), action="append", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="draw only so many")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    started = time.monotonic()
    kinds = [SETS[name] for name in args.only or SETS]
    written = write_sets(args.folder, kinds, args.seed, args.share, args.workers)
    for folder, boxes in written.items():
        print(f"{folder}: {boxes} boxes")
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
