"""10,000 ways to tamper with engines and models, and what verifying costs.

python -m benchmarks.signing [--count N] [--json]
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.signing.attack import attack
from benchmarks.signing.site import Site, make_site

PLAN_BYTES = 15_000_000
ROUNDS = 50


def verifying_ms() -> dict[str, float]:
    """From the name of an engine of 15 MB to the bytes that may be deserialised: by the
    clock, and what it costs the CPU, which others on the machine do not change much.
    """
    with tempfile.TemporaryDirectory() as place:
        site = make_site(Path(place), PLAN_BYTES)
        took = [_once(site) for _ in range(ROUNDS)]
    clock, cpu = zip(*took, strict=True)
    return {
        "best": round(min(clock), 1),
        "median": round(statistics.median(clock), 1),
        "worst": round(max(clock), 1),
        "cpu_median": round(statistics.median(cpu), 1),
    }


def _once(site: Site) -> tuple[float, float]:
    started, began = time.perf_counter(), time.process_time()
    site.use("engine", lambda _: None)
    return (
        (time.perf_counter() - started) * 1000,
        (time.process_time() - began) * 1000,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    started = time.perf_counter()
    outcome = attack(args.count)
    took = verifying_ms()
    told = {
        "variants": outcome.tried,
        "refused": outcome.codes.total(),
        "refused_rightly": outcome.tried - len(outcome.wrong),
        "deserialised": outcome.deserialised,
        "ways": len(outcome.ways),
        "codes": dict(outcome.codes.most_common()),
        "wrong": outcome.wrong[:20],
        "verify_15_mb_ms": took,
        "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(told, indent=None if args.json else 2))


if __name__ == "__main__":
    main()
