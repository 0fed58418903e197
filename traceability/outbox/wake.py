"""Wake a worker for what was just committed. Losing a call costs a beat's tick."""

from __future__ import annotations

import logging
import time
from functools import partial

from django.db import transaction

from traceability.lib import broker

logger = logging.getLogger(__name__)

# A burst of events is one call.
QUIET_SECONDS = 0.2
_silent_until: dict[str, float] = {}


def on_commit(task: str, *, quiet: float = 0.0) -> None:
    """Start `task` once the caller's transaction commits; at most every `quiet` s."""
    transaction.on_commit(partial(publish, task, quiet=quiet), robust=True)


def publish(task: str, *, quiet: float = 0.0) -> bool:
    """Send the wake-up now, if the broker is there; returns whether it went out."""
    if time.monotonic() < _silent_until.get(task, 0.0):
        return False
    try:
        broker.send(task, queue="system", expires=10)
    except broker.BrokerDown as error:
        logger.info("the clock will start %s: %s", task, error)
        return False
    _silent_until[task] = time.monotonic() + quiet
    return True
