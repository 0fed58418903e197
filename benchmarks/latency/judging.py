"""What it costs to judge a photo's alerts: processor time and queries for each event.

    python -m benchmarks.latency.judging [--photos 60] [--classes 6]

SQLite in a temporary folder; no other process. A good photo, which breaks nothing; one
with a defect that is the first of its kind; and photos of a run in which every one
shows every class, as on a line that is in trouble.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.alerts.scene import Scene
    from traceability.catalog.models import DefectClass

SETTLED = 12  # photos of a run before those that count: its alerts are raised


def cost(photos: int, take: Callable[[int], object]) -> dict[str, float]:
    """Of the events of so many photos, each handed over by itself; medians."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from traceability.outbox.services import dispatch

    spent, queries = list[float](), list[int]()
    for n in range(photos):
        take(n)
        began = time.process_time()
        dispatch()
        spent.append(time.process_time() - began)
        take(photos + n)
        with CaptureQueriesContext(connection) as captured:
            dispatch()
        queries.append(len(captured))
    return {"cpu_ms": round(median(spent) * 1000, 2), "queries": median(queries)}


def measure(photos: int, classes: int) -> dict[str, Any]:
    from tests.alerts.scene import Scene
    from traceability.catalog.models import DefectClass

    scene = Scene()
    codes = [DefectClass.objects.create(code=f"class-{n}") for n in range(classes)]

    def run(station: str, length: int, shown: Sequence[DefectClass]) -> dict[str, Any]:
        place = scene.new_station(station)
        take = _camera(scene, place, shown)
        if shown and length > 1:
            cost(SETTLED, take)
        return cost(length, take)

    alone = [run(f"ALONE-{n}", 1, codes[:1]) for n in range(photos // 2)]
    return {
        "good": run("GOOD", photos, []),
        "first_of_its_kind": {
            key: median(one[key] for one in alone) for key in ("cpu_ms", "queries")
        },
        "in_a_run": run("RUN", photos, codes),
    }


def _camera(
    scene: Scene, station: Any, shown: Sequence[DefectClass]
) -> Callable[[int], object]:
    """Takes the next photo each time, a minute after the last."""
    taken = iter(range(1_000_000))
    return lambda _n: scene.photo(
        (n := next(taken)) / 60, shown, station=station, serial=f"{station.code}-{n}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--classes", type=int, default=6, help="on each photo of a run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"CAUSELINE_DATA": name, "CAUSELINE_LOG_LEVEL": "ERROR"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "traceability.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        found = measure(options.photos, options.classes)
    print(json.dumps(found | {"load_at_end": round(os.getloadavg()[0], 1)}, indent=1))


if __name__ == "__main__":
    main()
