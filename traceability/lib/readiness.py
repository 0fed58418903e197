"""Does the web process answer; does a worker listen, does one consume."""

from __future__ import annotations

import time
import uuid
from functools import cache
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import redis
from celery import Celery
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

PING = "jobs.ping"
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 5


def answers(url: str) -> bool:
    """Whether a web server answers there, waiting a moment if not."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        if connection.getresponse().status < 500:
            return True
    except (OSError, HTTPException):
        pass
    finally:
        connection.close()
    time.sleep(PAUSE_SECONDS)
    return False


def consumes(redis_url: str, queue: str) -> bool:
    """Whether a worker of the queue takes a message, waiting a few seconds for it."""
    token = uuid.uuid4().hex
    try:
        _sender(redis_url).send_task(PING, [token], queue=queue, retry=False)
        answer = _client(redis_url).blpop(
            [f"causeline:pong:{token}"], timeout=PATIENCE_SECONDS
        )
    except (OperationalError, RedisError):
        time.sleep(PAUSE_SECONDS)
        return False
    return answer is not None


def listens(redis_url: str, worker: str) -> bool:
    """Whether the worker of this name answers, however much waits in its queue."""
    control = _sender(redis_url).control
    try:
        return bool(control.ping(destination=[worker], timeout=PATIENCE_SECONDS))
    except (OperationalError, RedisError):
        return False


@cache
def _sender(redis_url: str) -> Celery:
    """Knows nothing of the site's settings: the group may serve another folder."""
    app = Celery("readiness", broker=redis_url, set_as_current=False)
    app.conf.broker_transport_options = {"max_retries": 0, "socket_timeout": 2}
    return app


@cache
def _client(redis_url: str) -> redis.Redis:
    return redis.Redis.from_url(
        redis_url.replace("redis+socket://", "unix://"),
        socket_timeout=PATIENCE_SECONDS + 1,
        retry=Retry(NoBackoff(), 0),
    )
