"""A broker that is away under load, and a publisher that is killed: what arrives?

    python -m tests.faults.outage [--seconds 60] [--rate 10] [--kills 10]

A whole site of real processes, a real Mosquitto, a consumer with a persistent session.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.factory import Factory, jpeg
from tests.outbox.listener import Listener, without_repeats
from tests.services import Broker, mosquitto

STATIONS = ("CAM1", "CAM2", "CAM3")
MORE = """
import django; django.setup()
from traceability.catalog.models import Line, Station
line = Line.objects.get()
for code in ("CAM2", "CAM3"):
    Station.objects.create(site=line.site, line=line, code=code)
"""
PHOTO = jpeg((0, 64, 96), (2, 320, 320), size=320)


@dataclass
class Load:
    """Uploads to all stations in turn, until told to stop; `ids` were answered."""

    site: Factory
    rate: float
    ids: dict[str, str] = field(default_factory=dict)
    refused: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _run(self, stop: threading.Event) -> None:
        started, n = time.monotonic(), 0
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            while not stop.wait(max(0, started + n / self.rate - time.monotonic())):
                pool.submit(self._one, STATIONS[n % len(STATIONS)])
                n += 1

    def _one(self, station: str) -> None:
        status, body = self.site.upload(PHOTO, station=station)
        if status in (201, 202):
            self.ids[body["id"]] = station
        else:
            self.refused += 1


@dataclass
class Watch:
    """The most that waited in the database, and the most memory the publisher took."""

    site: Factory
    waiting: int = 0
    memory_mb: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(0.25):
            self.waiting = max(self.waiting, waiting(self.site))
            try:
                used = psutil.Process(self.site.pid("mqtt")).memory_info().rss
            except (psutil.Error, KeyError):
                continue
            self.memory_mb = max(self.memory_mb, used / 2**20)


def waiting(site: Factory) -> int:
    return int(site.query("SELECT count(*) FROM outbox_publication")[0][0])


def run(folder: Path, *, seconds: float, rate: float, kills: int) -> dict[str, Any]:
    """Load, an outage of so many seconds, load; the publisher dies now and then."""
    for name in ("broker", "site"):
        (folder / name).mkdir()
    with mosquitto(folder / "broker") as broker:
        environment = {"CAUSELINE_MQTT_URL": broker.url}
        with (
            Factory(folder / "site", environment) as site,
            Listener(broker.port, "causeline/#") as line,
        ):
            site.run(MORE)
            load, watch = Load(site, rate), Watch(site)
            with watch.running():
                with load.running():
                    back = _outage(site, broker, seconds, kills)
                site.wait_until_done(120)
                _until_published(site)
                caught_up = time.monotonic() - back
            line.until(lambda: len(_ids(line)) >= len(load.ids), 60)
            return _report(load, watch, line, caught_up)


def _outage(site: Factory, broker: Broker, seconds: float, kills: int) -> float:
    """Returns when the broker was back."""
    time.sleep(3)
    broker.stop()
    time.sleep(seconds / 2)
    _kill(site)
    time.sleep(seconds / 2)
    broker.start()
    back = time.monotonic()
    for _ in range(kills):
        time.sleep(1.5)
        _kill(site)
    time.sleep(3)
    return back


def _kill(site: Factory) -> None:
    old = site.kill("mqtt")
    site.wait_until_restarted("mqtt", old)


def _until_published(site: Factory) -> None:
    open_ = "SELECT count(*) FROM outbox_event WHERE dispatched_at IS NULL"
    end = time.monotonic() + 120
    while waiting(site) or int(site.query(open_)[0][0]):
        if time.monotonic() > end:
            raise TimeoutError(f"{waiting(site)} still wait")
        time.sleep(0.1)


def _ids(line: Listener) -> set[str]:
    heard = list(line.heard)
    return {one.said["id"] for one in heard if one.topic.endswith("/inspection")}


def _report(
    load: Load, watch: Watch, line: Listener, caught_up: float
) -> dict[str, Any]:
    numbers = line.numbers()
    taken = {topic: without_repeats(found) for topic, found in numbers.items()}
    return {
        "uploaded": len(load.ids),
        "refused": load.refused,
        "arrived": len(_ids(line) & set(load.ids)),
        "messages": sum(map(len, numbers.values())),
        "repeats": sum(len(numbers[t]) - len(taken[t]) for t in taken),
        "in_order_without_gap": all(
            found == list(range(1, len(found) + 1)) for found in taken.values()
        ),
        "by_station": {t.split("/")[3]: len(found) for t, found in taken.items()},
        "most_waiting": watch.waiting,
        "publisher_mb": round(watch.memory_mb, 1),
        "seconds_until_all_was_out": round(caught_up, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="without a broker")
    parser.add_argument("--rate", type=float, default=10, help="photos a second")
    parser.add_argument("--kills", type=int, default=10, help="of the publisher")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(Path(folder), **vars(options)), indent=1))


if __name__ == "__main__":
    main()
