"""What publishing over MQTT costs an upload and the transaction of its result.

    python -m benchmarks.latency.mqtt [--rounds 3] [--rate 5] [--seconds 20]

Sites with and without a broker take turns; each is new, with the shipped model. The
broker is a Mosquitto of its own with one subscriber. `write` is the stage of the
result's transaction; totals are the client's, under `Prefer: wait`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.latency.client import Client
from benchmarks.latency.site import own_site, photos
from benchmarks.latency.upload import Run, at_rate, one_after_another, percentile
from tests.outbox.listener import Listener
from tests.services import free_port, mosquitto

WARM_UP = 20
URL = "CAUSELINE_MQTT_URL"


@contextmanager
def broker(folder: Path) -> Iterator[Listener]:
    """A broker that sites find in the environment, and who listens to it."""
    folder.mkdir()
    with mosquitto(folder) as running, Listener(running.port) as listener:
        os.environ[URL] = running.url
        try:
            yield listener
        finally:
            del os.environ[URL]


def measure(options: argparse.Namespace, *, publishing: bool) -> tuple[Run, int]:
    """One new site under load; its figures and how many messages were heard."""
    images = photos(20, 640)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        line = stack.enter_context(broker(folder / "mqtt")) if publishing else None
        target = stack.enter_context(own_site(folder / "data", free_port()))
        client = Client(target)
        one_after_another(client, images, WARM_UP)
        run = at_rate(client, images, options.rate, options.seconds)
        if line is not None:
            line.until(
                lambda: (
                    len(
                        line.numbers().get(
                            f"causeline/BENCH/L1/{target.station}/inspection", []
                        )
                    )
                    >= WARM_UP + len(run.total_ms)
                )
            )
        return run, len(line.heard) if line else 0


def figures(runs: list[Run]) -> dict[str, float]:
    total = [one for run in runs for one in run.total_ms]
    write = [one["write"] for run in runs for one in run.stages]
    named = {"total": total, "write": write}
    return {
        f"{name}_p{q}_ms": round(percentile(values, q), 1)
        for name, values in named.items()
        for q in (50, 95)
    }


def report(options: argparse.Namespace) -> dict[str, Any]:
    runs: dict[bool, list[Run]] = {False: [], True: []}
    for _ in range(options.rounds):
        for publishing, kept in runs.items():
            run, heard = measure(options, publishing=publishing)
            kept.append(run)
            print(json.dumps({"mqtt": publishing, "heard": heard, **figures([run])}))
    off, on = figures(runs[False]), figures(runs[True])
    return {
        "photos_each": sum(len(run.total_ms) for run in runs[False]),
        "without": off,
        "with": on,
        "ratio": {name: round(on[name] / off[name], 3) for name in off},
        "load_at_end": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=5, help="photos a second")
    parser.add_argument("--seconds", type=float, default=20, help="of each round")
    print(json.dumps(report(parser.parse_args()), indent=1))


if __name__ == "__main__":
    main()
