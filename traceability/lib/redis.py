"""The one place that knows how to reach Redis."""

from __future__ import annotations

from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from traceability.lib import embedded_redis

# What answers in a millisecond and has not in this time will not; nobody waits longer.
ANSWER_SECONDS = 1.0


def url() -> str:
    """Where Redis is, as kombu spells it."""
    if f"redis+socket://{settings.REDIS_SOCKET}" == settings.REDIS_URL:
        return embedded_redis.url(settings.DATA_DIR)
    return str(settings.REDIS_URL)


@cache
def client() -> redis.Redis:
    """A thread-safe client that gives up early: for everything that does not block."""
    return _client(ANSWER_SECONDS)


@cache
def patient() -> redis.Redis:
    """A client for commands that wait, such as BLPOP, up to `WAIT_SECONDS_MAX`."""
    return _client(settings.WAIT_SECONDS_MAX + ANSWER_SECONDS)


def _client(timeout: float) -> redis.Redis:
    return redis.Redis.from_url(
        url().replace("redis+socket://", "unix://"),
        socket_connect_timeout=ANSWER_SECONDS,
        socket_timeout=timeout,
        # The library's own retries would sleep for seconds; one without a pause is
        # enough to replace a connection that a restarted server has dropped.
        retry=Retry(NoBackoff(), 1),
        health_check_interval=10,
    )
