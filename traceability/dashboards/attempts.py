"""How often somebody may try a password.

The count is in Redis, for it must hold for all processes. Without Redis everybody may
try: a site whose broker is down must still let its people in.
"""

from __future__ import annotations

import hashlib
import logging

from django.http import HttpRequest
from redis.exceptions import RedisError

from traceability.lib.redis import client

MOST = 10
WINDOW_SECONDS = 600
logger = logging.getLogger(__name__)


def count(request: HttpRequest, name: str) -> int:
    """Count an attempt before it is made; returns the seconds to wait, 0 for go on.

    Counted are a user name and an address, from the first attempt on. The address is
    the one that connects: a header could be forged. Behind a proxy it is the proxy's.
    """
    key = _key(request, name)
    try:
        with client().pipeline() as steps:
            steps.set(key, 0, ex=WINDOW_SECONDS, nx=True)
            steps.incr(key)
            steps.ttl(key)
            _, tried, seconds = steps.execute()
    except RedisError as error:
        logger.warning("Attempts to sign in are not counted: %s", error)
        return 0
    return max(1, int(seconds)) if tried > MOST else 0


def forget(request: HttpRequest, name: str) -> None:
    """Start from nothing again, after the right password."""
    try:
        client().delete(_key(request, name))
    except RedisError as error:
        logger.warning("Attempts to sign in are not forgotten: %s", error)


def _key(request: HttpRequest, name: str) -> str:
    text = f"{name.strip().casefold()}\0{request.META.get('REMOTE_ADDR', '')}"
    return f"causeline:sign-in:{hashlib.sha256(text.encode()).hexdigest()}"
