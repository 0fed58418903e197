"""How long writers of one SQLite file wait: Django's own backend, and ours.

    python -m benchmarks.latency.writers [--writers 8] [--rounds 3]

Processes that hold the lock for 4 ms of every 6; both backends in turn.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sqlite3
import tempfile
import time
from multiprocessing import Queue
from pathlib import Path

BACKENDS = ("django.db.backends.sqlite3", "traceability.lib.sqlite")
SECONDS, HOLD, PAUSE = 4.0, 0.004, 0.002


def write(backend: str, path: str, waited: Queue[list[float]]) -> None:
    import django
    from django.conf import settings
    from django.db import connection, transaction

    options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
    database = {"ENGINE": backend, "NAME": path, "OPTIONS": options}
    settings.configure(DATABASES={"default": database}, USE_TZ=True)
    django.setup()
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while (began := time.perf_counter()) < end:
        with transaction.atomic():
            taken.append(1000 * (time.perf_counter() - began))
            connection.cursor().execute("INSERT INTO written VALUES (1)")
            time.sleep(HOLD)
        time.sleep(PAUSE)
    waited.put(taken)


def measure(backend: str, writers: int) -> list[float]:
    """Milliseconds that each transaction waited, sorted."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "db.sqlite3")
        with sqlite3.connect(path) as file:
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("CREATE TABLE written (one)")
        waited: Queue[list[float]] = Queue()
        process = multiprocessing.Process
        all_of_them = [
            process(target=write, args=(backend, path, waited)) for _ in range(writers)
        ]
        for one in all_of_them:
            one.start()
        taken = sorted(ms for _ in all_of_them for ms in waited.get())
        for one in all_of_them:
            one.join()
        return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for backend in BACKENDS * options.rounds:
        waited = measure(backend, options.writers)
        told = " ".join(
            f"p{q} {waited[int(len(waited) * q / 100)]:.1f}" for q in (50, 95, 99)
        )
        rate = len(waited) / SECONDS
        print(f"{backend:<28} {rate:.0f}/s {told} most {waited[-1]:.1f} ms", flush=True)


if __name__ == "__main__":
    main()
