"""The one place that knows how to reach Redis."""

from __future__ import annotations

from functools import cache

import redis
from django.conf import settings


@cache
def client() -> redis.Redis:
    """A thread-safe client of the broker's Redis, for wake-ups and queue lengths."""
    url = settings.REDIS_URL.replace("redis+socket://", "unix://")
    return redis.Redis.from_url(
        url, socket_connect_timeout=2, socket_timeout=None, health_check_interval=10
    )
