"""Several dispatchers and senders at once, on a database of their own.

Run as a program (`python -m tests.alerts.race`) with `CAUSELINE_DATA` and, for
PostgreSQL, `CAUSELINE_DATABASE_URL`; prints what became of everything as JSON.
"""

from __future__ import annotations

import json
import os
import random
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traceability.settings")
django.setup()

from django.conf import settings  # noqa: E402 - needs the settings
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.alerts.scene import Scene  # noqa: E402
from traceability.alerts.models import Alert  # noqa: E402
from traceability.outbox import deliveries, services, wake  # noqa: E402
from traceability.outbox.models import Delivery, Event  # noqa: E402

THREADS = 4
order: dict[str, list[int]] = defaultdict(list)


def note(event: Event) -> None:
    """A consumer that writes down in which order it sees the events of a key."""
    order[event.key].append(event.pk)


def drain() -> None:
    try:
        while services.dispatch() or deliveries.deliver_due():
            pass
    finally:
        connection.close()


def at_once(work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def produce() -> None:
    """30 analyses of one excursion; on each of two stations one run of ten shorts."""
    scene = Scene()
    scene.user("one")
    scene.user("two")
    for _run in range(30):
        scene.problem(causes=[])
    stations = [scene.station, scene.new_station("AOI-2")]
    photos = [(minute, station) for minute in range(10) for station in stations]
    random.Random(7).shuffle(photos)
    for minute, station in photos:
        scene.photo(minute, [scene.short], station=station)


def main() -> None:
    settings.EMAIL_BACKEND = "traceability.outbox.transports.mailbox.EmailBackend"
    settings.OUTBOX_CONSUMERS = [*settings.OUTBOX_CONSUMERS, f"{__name__}.note"]
    wake.publish = lambda task, *, quiet=0.0: False  # type: ignore[assignment]
    call_command("migrate", verbosity=0)
    produce()
    at_once(drain)
    drain()
    mails = [path.read_bytes() for path in Path(settings.EMAIL_FILE_PATH).glob("*.eml")]
    print(
        json.dumps(
            {
                "events": Event.objects.count(),
                "handed": Event.objects.filter(attempts=1, error="").count(),
                "in_order": all(ids == sorted(set(ids)) for ids in order.values()),
                "seen": sum(map(len, order.values())),
                "excursions": Alert.objects.filter(station=None).count(),
                "occurrences": Alert.objects.get(station=None).occurrences,
                "runs": Alert.objects.exclude(station=None).count(),
                "deliveries": Delivery.objects.count(),
                "sent": Delivery.objects.filter(state="sent", attempts=1).count(),
                "mails": len(mails),
            }
        )
    )


if __name__ == "__main__":
    main()
