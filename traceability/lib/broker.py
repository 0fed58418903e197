"""Send Celery messages without ever waiting for a broker that is not there.

Celery's own producers keep trying to connect for six seconds, in the middle of an
upload. A message is only a wake-up call here, so one quick try is enough.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from celery import current_app
from django.conf import settings
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.pools import ProducerPool
from redis.exceptions import RedisError

from traceability.lib.redis import url

SOCKET_SECONDS = 1.0
# A broker that hangs, unlike one that is gone, costs every caller `SOCKET_SECONDS`;
# after one of them has paid, nobody asks for this long.
PAUSE_SECONDS = 5.0
CONNECTIONS = 64

_silent_until = 0.0


class BrokerDown(Exception):
    """The message was not sent; a sweep has to send it again."""


def send(task: str, args: Sequence[Any] = (), *, queue: str, **options: Any) -> None:
    """Send one message; `options` are those of Celery's `send_task`.

    Returns within a millisecond or two, or raises BrokerDown: at once when nothing
    listens, after about a second when the broker hangs.
    """
    global _silent_until
    started = time.monotonic()
    if started < _silent_until:
        raise BrokerDown("the broker hung a moment ago")
    try:
        with _producers().acquire(block=True, timeout=SOCKET_SECONDS) as producer:
            current_app.send_task(
                task, args=args, queue=queue, retry=False, producer=producer, **options
            )
    except (OperationalError, RedisError, OSError) as error:
        if time.monotonic() - started >= SOCKET_SECONDS:
            _silent_until = time.monotonic() + PAUSE_SECONDS
        raise BrokerDown(str(error)) from error


@cache
def _producers() -> Any:
    options = {
        **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        "max_retries": 0,
        "socket_timeout": SOCKET_SECONDS,
        "socket_connect_timeout": SOCKET_SECONDS,
    }
    connection = Connection(url(), transport_options=options)
    return ProducerPool(connection.Pool(CONNECTIONS), limit=CONNECTIONS)
