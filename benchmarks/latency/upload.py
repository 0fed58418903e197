"""From the upload of a photo to its result: p50, p95 and p99 over real HTTP.

    python -m benchmarks.latency.upload [--count 200] [--rates 2 5 10] [--json FILE]

Starts a site of its own (or uses `--url` with `--key` and `--station`) and uploads
under `Prefer: wait=5`: first one after another, then `--at-once`, then at offered rates
that do not slow down when the site does, each latency counted from when the photo was
due.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import platform
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.latency.client import Client, Target
from benchmarks.latency.site import STATION, own_site, photos

WARM_UP = 10
BACKEND_SECONDS = 180
IN_A_ROW = 12
STAGES = ("queue", "decode", "wait", "infer", "write")


@dataclass
class Run:
    """One way of offering photos. Milliseconds; `answered` came with the upload."""

    name: str
    total_ms: list[float] = field(default_factory=list)
    answered: int = 0
    errors: int = 0
    stages: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "photos": len(self.total_ms),
            "errors": self.errors,
            "answered_with_result": self.answered,
            "per_second": round(len(self.total_ms) / self.seconds, 2),
            **{
                f"p{q}_ms": round(percentile(self.total_ms, q), 1) for q in (50, 95, 99)
            },
            **{f"stages_p{q}_ms": self._stages(q) for q in (50, 95, 99)},
        }

    def _stages(self, q: float) -> dict[str, float]:
        """Of each that a result tells, and of those of the table where none came."""
        told = {stage for one in self.stages for stage in one}
        return {
            stage: round(
                percentile([one[stage] for one in self.stages if stage in one], q), 1
            )
            for stage in sorted(told.union(STAGES))
        }


def percentile(values: list[float], q: float) -> float:
    """The nearest-rank percentile; nan of nothing."""
    if not values:
        return float("nan")
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * q / 100))]


def measure(client: Client, photo: bytes, due: float, run: Run) -> None:
    try:
        answered, result = client.upload(photo)
    except (OSError, RuntimeError, http.client.HTTPException):
        run.errors += 1
        return
    run.total_ms.append((time.perf_counter() - due) * 1000)
    run.answered += answered
    run.stages.append(result["timings_ms"])


def one_after_another(client: Client, images: list[bytes], count: int) -> Run:
    run = Run("one after another")
    started = time.perf_counter()
    for n in range(count):
        measure(client, images[n % len(images)], time.perf_counter(), run)
    run.seconds = time.perf_counter() - started
    return run


def at_rate(
    client: Client,
    images: list[bytes],
    rate: float,
    seconds: float,
    connections: int,
) -> Run:
    """Offer `rate` photos a second, evenly, whatever becomes of them."""
    run = Run(f"{rate:g} a second")
    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for n in range(int(rate * seconds)):
            due = started + n / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            pool.submit(measure, client, images[n % len(images)], due, run)
    run.seconds = time.perf_counter() - started
    return run


def without_pause(
    client: Client, images: list[bytes], connections: int, seconds: float
) -> Run:
    """So many connections, each sending its next photo when it has its result."""
    run = Run(f"{connections} at once")
    started = time.perf_counter()

    def send(first: int) -> None:
        for n in itertools.count(first):
            if time.perf_counter() - started > seconds:
                return
            measure(client, images[n % len(images)], time.perf_counter(), run)

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(send, range(connections)))
    run.seconds = time.perf_counter() - started
    return run


def wait_for_backend(client: Client, photo: bytes, backend: str) -> None:
    """Upload until results in a row are that backend's: after a start the CPU's come
    first, and of two processes one climbs after the other.
    """
    end, seen = time.monotonic() + BACKEND_SECONDS, 0
    while seen < IN_A_ROW:
        if time.monotonic() > end:
            raise SystemExit(f"No {backend} that stays within {BACKEND_SECONDS} s.")
        if client.upload(photo)[1]["backend"] == backend:
            seen += 1
        else:
            seen = 0
            time.sleep(1)


def measure_all(target: Target, options: argparse.Namespace) -> dict[str, Any]:
    images = photos(20, options.size, options.defective)
    client = Client(target)
    if options.backend:
        wait_for_backend(client, images[0], options.backend)
    one_after_another(client, images, WARM_UP)
    runs = [one_after_another(client, images, options.count)]
    runs += [
        without_pause(client, images, connections, options.seconds)
        for connections in options.at_once
    ]
    runs += [
        at_rate(client, images, rate, options.seconds, options.connections)
        for rate in options.rates
    ]
    return {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load_at_end": round(os.getloadavg()[0], 1),
        },
        "photo": {"pixels": options.size, "bytes": len(images[0])},
        "runs": [run.summary() for run in runs],
    }


def print_table(report: dict[str, Any]) -> None:
    table = Table(title="Upload to result under Prefer: wait=5, milliseconds")
    columns = ("photos", "errors", "answered_with_result", "per_second")
    percentiles = ("p50_ms", "p95_ms", "p99_ms")
    table.add_column("offered")
    for name in (*columns, *percentiles, *STAGES):
        table.add_column(name.removesuffix("_ms").replace("_", " "), justify="right")
    for run in report["runs"]:
        cells = [run[name] for name in (*columns, *percentiles)]
        stages = [run["stages_p50_ms"][stage] for stage in STAGES]
        table.add_row(run["name"], *map(str, [*cells, *stages]))
    Console(width=140).print(table)
    print(json.dumps(report["machine"] | report["photo"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="one after another")
    parser.add_argument("--rates", type=float, nargs="*", default=[2, 5, 10])
    parser.add_argument(
        "--at-once", type=int, nargs="*", default=[], help="connections without pause"
    )
    parser.add_argument("--seconds", type=float, default=20, help="of each rate")
    parser.add_argument(
        "--connections", type=int, default=64, help="of the client, at a rate"
    )
    parser.add_argument("--size", type=int, default=640, help="pixels of a side")
    parser.add_argument(
        "--defective", type=float, default=1.0, help="share of photos with defects"
    )
    parser.add_argument("--backend", help="begin when results in a row are this one's")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--url", help="measure a site that runs already")
    parser.add_argument("--key", default="")
    parser.add_argument("--station", default=STATION)
    parser.add_argument("--json", type=Path, help="write the report there")
    options = parser.parse_args()
    if options.url:
        target = Target(options.url, options.key, options.station)
        report = measure_all(target, options)
    else:
        with (
            tempfile.TemporaryDirectory(prefix="causeline-") as folder,
            own_site(Path(folder), options.port) as target,
        ):
            report = measure_all(target, options)
    print_table(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
