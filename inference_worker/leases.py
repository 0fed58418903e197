"""Keep the leases of everything in flight, and know how long it has been."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import DatabaseError, connection

from traceability.jobs import services
from traceability.jobs.models import Job
from traceability.jobs.slots import Slot

logger = logging.getLogger(__name__)


class Leases:
    """Renews the leases of a slot from a thread of its own, every `seconds`."""

    def __init__(self, slot: Slot, seconds: float) -> None:
        self._slot, self._seconds = slot, seconds
        self._since: dict[UUID, float] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
        self._thread.start()

    @contextmanager
    def held(self, job: Job) -> Iterator[None]:
        """Keep this job's lease alive within the block."""
        self._since[job.id] = time.monotonic()
        try:
            yield
        finally:
            del self._since[job.id]

    def __len__(self) -> int:
        return len(self._since)

    def oldest_seconds(self) -> float:
        """How long the oldest job has been in flight; 0 without any."""
        since = min(list(self._since.values()), default=None)
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(self._seconds):
            self._renew(list(self._since))
        connection.close()

    def _renew(self, jobs: list[UUID]) -> None:
        """A beat may fail: a lease outlives two missed ones."""
        if not jobs:
            return
        try:
            services.heartbeat(jobs, self._slot.worker)
        except DatabaseError as error:
            logger.warning("leases not renewed: %s", error)
            connection.close()
