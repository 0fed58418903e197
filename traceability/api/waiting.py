"""`Prefer: wait=N` (RFC 7240): how long, and for how many at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from rest_framework.request import Request

from traceability.lib.measures import WAITING, WAITS

# Half of the web threads may wait; the other half goes on answering.
_places = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,6})(?:$|[,;\s])")


def wanted_seconds(request: Request) -> int:
    """Seconds the caller is ready to wait, capped; 0 without the preference."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), settings.WAIT_SECONDS_MAX) if found else 0


@contextmanager
def place(*, wanted: bool) -> Iterator[bool]:
    """Whether this thread may wait, if it wants to; gives the place back at the end."""
    got = wanted and _places.acquire(blocking=False)
    if not got:
        if wanted:
            WAITS.labels("no_place").inc()
        yield False
        return
    WAITING.inc()
    try:
        yield True
    finally:
        WAITING.dec()
        _places.release()
