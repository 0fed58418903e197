"""Keep the leases of what this process works on alive."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connection

from traceability.jobs import services
from traceability.jobs.models import Job


@contextmanager
def kept_alive(job: Job) -> Iterator[None]:
    """Renew the lease of `job` from a thread of its own until the block ends."""
    done = threading.Event()
    thread = threading.Thread(target=_renew, args=(job, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _renew(job: Job, done: threading.Event) -> None:
    while not done.wait(settings.JOB_HEARTBEAT_SECONDS):
        try:
            services.heartbeat([job.id], job.leased_by)
        except DatabaseError:
            # The next beat tries again; three may fail before the lease is gone.
            connection.close()
    connection.close()
