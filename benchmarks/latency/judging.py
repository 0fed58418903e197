"""What the event of a photo costs: processor time and queries of its consumers.

    python -m benchmarks.latency.judging [--photos 60] [--classes 6] [--settled 24]

SQLite in a temporary folder; no other process. A good photo, which breaks nothing; one
with a defect that is the first of its kind; and photos of a run in which every one
shows every class, as on a line that is in trouble: what judging their alerts costs,
once the run is `--settled` photos long. Medians; each event is handed over by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.alerts.scene import Scene
    from traceability.catalog.models import DefectClass, Station


def cost(photos: int, take: Callable[[], object]) -> dict[str, float]:
    """Of the events of so many photos; time and queries of every other one, for
    counting takes time.
    """
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from traceability.outbox.services import dispatch

    spent, queries = list[float](), list[int]()
    for _ in range(photos):
        take()
        began = time.process_time()
        dispatch()
        spent.append(time.process_time() - began)
        take()
        with CaptureQueriesContext(connection) as captured:
            dispatch()
        queries.append(len(captured))
    return {"cpu_ms": round(median(spent) * 1000, 2), "queries": median(queries)}


def measure(photos: int, classes: int, settled: int) -> dict[str, Any]:
    from tests.alerts.scene import Scene
    from traceability.catalog.models import DefectClass
    from traceability.outbox.services import dispatch

    scene = Scene()
    codes = [DefectClass.objects.create(code=f"class-{n}") for n in range(classes)]
    stations = (scene.new_station(f"FIRST-{n}") for n in range(2 * photos))
    run = _camera(scene, scene.new_station("RUN"), codes)
    for _ in range(settled):
        run()
        dispatch()
    return {
        "good": cost(photos, _camera(scene, scene.new_station("GOOD"), [])),
        "first_of_its_kind": cost(
            photos, lambda: _camera(scene, next(stations), codes[:1])()
        ),
        "in_a_run": cost(photos, run),
    }


def _camera(
    scene: Scene, station: Station, shown: Sequence[DefectClass]
) -> Callable[[], object]:
    """Takes the next photo each time, a second after the last."""
    taken = count()
    return lambda: scene.photo(
        (n := next(taken)) / 60, shown, station=station, serial=f"{station.code}-{n}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--classes", type=int, default=6, help="on each photo of a run")
    parser.add_argument(
        "--settled", type=int, default=24, help="photos of the run before those"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"CAUSELINE_DATA": name, "CAUSELINE_LOG_LEVEL": "ERROR"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "traceability.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        found = measure(options.photos, options.classes, options.settled)
    print(json.dumps(found | {"load_at_end": round(os.getloadavg()[0], 1)}, indent=1))


if __name__ == "__main__":
    main()
