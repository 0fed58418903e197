"""The transaction of a result, while nothing, or MQTT, comes after it.

    python -m benchmarks.latency.transaction [--rounds 4] [--count 150] [--rate 20]

SQLite and Redis in a temporary folder. One process records results at a rate, one
dispatches events, and with MQTT one publishes to a Mosquitto. With and without take
turns, and each `record()` is timed: what publishing costs the path of a result.
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
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.latency.upload import percentile
from tests.services import mosquitto

URL = "CAUSELINE_MQTT_URL"
DISPATCH = """
import django, time; django.setup()
from traceability.outbox.services import dispatch
while True:
    dispatch(limit=10) or time.sleep(0.01)
"""


@contextmanager
def process(*words: str, environment: dict[str, str]) -> Iterator[None]:
    running = subprocess.Popen([sys.executable, *words], env=os.environ | environment)
    try:
        yield
    finally:
        running.terminate()
        running.wait()


def seconds_of(count: int, rate: float) -> list[float]:
    """Record so many results at a rate; how long each transaction took."""
    from traceability.inspection.recording import record

    results = [_result(n) for n in range(count)]
    started, took = time.monotonic(), []
    for n, result in enumerate(results):
        time.sleep(max(0.0, started + n / rate - time.monotonic()))
        before = time.perf_counter()
        assert len(record([result])) == 1  # noqa: S101
        took.append(time.perf_counter() - before)
    return took


def _result(n: int) -> Any:
    from django.utils import timezone

    from traceability.catalog.models import Line, Site, Station
    from traceability.inspection.models import Image, Inspection
    from traceability.inspection.results import Box, Detector, InspectionResult
    from traceability.jobs.services import claim, enqueue
    from traceability.production.services import placeholder

    site, _ = Site.objects.get_or_create(code="S", name="S")
    line, _ = Line.objects.get_or_create(site=site, code="L")
    code = f"CAM{n % 3}"
    station, _ = Station.objects.get_or_create(site=site, line=line, code=code)
    now = timezone.now()
    unit = placeholder(site.pk, f"U{now}")
    unit.save()
    image = Image.objects.create(
        **{"site": site, "station": station, "captured_at": now, "received_at": now},
        **{"unit": unit, "file": "x"},
        **{"media_type": "image/jpeg", "sha256": "0", "width": 640, "height": 640},
        size=1,
    )
    inspection = Inspection.objects.create(image=image, created_at=now)
    arguments = {"inspection": str(inspection.pk)}
    job = enqueue("none", arguments, queue="inspect")
    claimed = claim(job.pk, "benchmark")
    assert claimed is not None  # noqa: S101
    boxes = (Box("short", 0.9, 1, 2, 30, 40), Box("open", 0.8, 5, 6, 30, 40))
    detector = Detector("m", "1", "openvino", "int8", ("short", "open"))
    return InspectionResult(claimed, inspection, detector, boxes, {"infer": 20.0})


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    took: dict[bool, list[float]] = {False: [], True: []}
    with mosquitto(folder) as broker:
        for _ in range(options.rounds):
            for publishing, kept in took.items():
                with ExitStack() as stack:
                    where = {URL: broker.url} if publishing else {}
                    stack.enter_context(process("-c", DISPATCH, environment=where))
                    if publishing:
                        words = ("manage.py", "publish_mqtt")
                        stack.enter_context(process(*words, environment=where))
                    time.sleep(4)  # they are up
                    kept += seconds_of(options.count, options.rate)
    return {name: _figures(took[key]) for name, key in (("off", False), ("on", True))}


def _figures(seconds: list[float]) -> dict[str, float]:
    shown = {f"p{q}_ms": round(percentile(seconds, q) * 1000, 2) for q in (50, 95, 99)}
    return {"results": len(seconds), **shown}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--count", type=int, default=150, help="results a round")
    parser.add_argument("--rate", type=float, default=20, help="results a second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"CAUSELINE_DATA": name, "CAUSELINE_LOG_LEVEL": "ERROR"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "traceability.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        (Path(name) / "mqtt").mkdir()
        redis = ("-m", "traceability.lib.embedded_redis", name)
        with process(*redis, environment={}):
            found = measure(options, Path(name) / "mqtt")
    off, on = found["off"], found["on"]
    ratio = {key: round(on[key] / off[key], 3) for key in off if key.startswith("p")}
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({**found, "ratio": ratio, "load_at_end": load}, indent=1))


if __name__ == "__main__":
    main()
