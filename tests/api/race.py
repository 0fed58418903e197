"""Several pushes of the same rows at once, on a database of their own.

Run as a program (`python -m tests.api.race`) with `CAUSELINE_DATA` and, for PostgreSQL,
`CAUSELINE_DATABASE_URL`; prints what became of everything as JSON.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traceability.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - needs the settings
from django.db import connection  # noqa: E402

from traceability.catalog.models import Site, Supplier  # noqa: E402
from traceability.ingest.bulk import upsert  # noqa: E402
from traceability.ingest.resources import RESOURCES  # noqa: E402
from traceability.production.models import MaterialLot, OperationRun  # noqa: E402

NAMES = ["a", "b", "c"]
UNITS = [f"U{number}" for number in range(150)]
ROUNDS = 8
errors: list[str] = []


def push(site: Site, resource: str, rows: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = upsert(RESOURCES[resource], site, rows)["counts"]
    return counts


def at_once(site: Site, resource: str, pushes: list[list[dict[str, Any]]]) -> None:
    """Send every push in a thread, hence a connection, of its own."""
    barrier = threading.Barrier(len(pushes))

    def send(rows: list[dict[str, Any]]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            if push(site, resource, rows)["rejected"]:
                errors.append(f"{resource}: rejected")
        except Exception as error:
            errors.append(f"{resource}: {error!r}")
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(rows,)) for rows in pushes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def readings(run_no: int) -> None:
    """Each push adds a reading to the same runs, the second in the other order."""
    site = Site.objects.get()
    pushes = [
        [
            {"unit": unit, "operation": "O", "run_no": run_no, "readings": {name: 1}}
            for unit in UNITS
        ]
        for name in NAMES
    ]
    pushes[1].reverse()
    at_once(site, "operation-runs", pushes)  # all of them new
    for rows in pushes:
        for row in rows:
            row["readings"] = {f"{name}2": 2 for name in row["readings"]}
    at_once(site, "operation-runs", pushes)  # all of them there


def suppliers(number: int) -> None:
    """Each push names the same new suppliers, with lots of its own."""
    pushes = [
        [
            {"material": "M", "number": f"{name}{number}-{i}", "supplier": f"S{i}"}
            for i in range(number * 10, number * 10 + 10)
        ]
        for name in NAMES
    ]
    at_once(Site.objects.get(), "material-lots", pushes)


def main() -> None:
    call_command("migrate", verbosity=0)
    site = Site.objects.create(code="S", name="Site")
    push(site, "operations", [{"code": "O"}])
    push(site, "materials", [{"code": "M"}])
    push(site, "units", [{"serial": unit} for unit in UNITS])
    for number in range(ROUNDS):
        readings(number + 1)
        suppliers(number)
    wanted = dict.fromkeys(NAMES, 1.0) | {f"{name}2": 2.0 for name in NAMES}
    whole = [run.readings == wanted for run in OperationRun.objects.all()]
    print(
        json.dumps(
            {
                "errors": sorted(set(errors)),
                "runs": len(whole),
                "lost": whole.count(False),
                "suppliers": Supplier.objects.count(),
                "lots": MaterialLot.objects.exclude(supplier=None).count(),
            }
        )
    )


if __name__ == "__main__":
    main()
