"""Wake a worker for what was just committed. Losing a call costs a beat's tick."""

from __future__ import annotations

import logging
import time
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from traceability.lib.redis import client

logger = logging.getLogger(__name__)

# A burst of events is one call; a dead broker is asked again only after a while, so
# that an upload never waits for it.
QUIET_SECONDS = 0.2
DEAD_SECONDS = 10.0
_silent_until: dict[str, float] = {}


def on_commit(task: str, *, quiet: float = 0.0) -> None:
    """Start `task` once the caller's transaction commits; at most every `quiet` s."""
    transaction.on_commit(partial(publish, task, quiet=quiet), robust=True)


def publish(task: str, *, quiet: float = 0.0) -> bool:
    """Send the wake-up now, if the broker is there; returns whether it went out."""
    now = time.monotonic()
    if now < max(_silent_until.get(task, 0.0), _silent_until.get("", 0.0)):
        return False
    _silent_until[task] = now + quiet
    try:
        # Celery itself would try for 6 s to reach a broker that is not there.
        client().ping()
        current_app.send_task(task, queue="system", retry=False, expires=10)
    except (OperationalError, RedisError, OSError) as error:
        _silent_until[""] = time.monotonic() + DEAD_SECONDS
        logger.info("broker unreachable, the clock will start %s: %s", task, error)
        return False
    _silent_until[task] = time.monotonic() + quiet
    return True
