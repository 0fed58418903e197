"""Wake whoever waits for a result: a message, so that nobody polls the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from uuid import UUID

from redis.exceptions import RedisError

from traceability.lib.measures import STAGE_SECONDS
from traceability.lib.redis import client, patient

logger = logging.getLogger(__name__)

KEEP_SECONDS = 30


def _name(subject: UUID) -> str:
    return f"causeline:done:{subject}"


def wake(subjects: Iterable[UUID]) -> None:
    """Tell who waits for `subjects`; the message outlives a waiter who comes late."""
    waited = list(subjects)
    if not waited:
        return
    try:
        pipeline = client().pipeline(transaction=False)
        now = time.time()
        for subject in waited:
            pipeline.lpush(_name(subject), now)
            pipeline.expire(_name(subject), KEEP_SECONDS)
        pipeline.execute()
    except RedisError as error:
        logger.warning("nobody could be woken: %s", error)


def wait(subject: UUID, seconds: int) -> bool:
    """Sleep until `wake` is called for `subject`; False after `seconds` or no Redis.

    The message is put back where it was taken: any number may wait for one subject.
    """
    name, began = _name(subject), time.time()
    try:
        sent = patient().blmove(name, name, timeout=seconds)
    except RedisError:
        return False
    if sent is None:
        return False
    # Nobody wakes who has not begun to wait, or on a clock that is ahead.
    woken = time.time()
    STAGE_SECONDS.labels("wake").observe(max(0.0, woken - max(float(sent), began)))
    return True
