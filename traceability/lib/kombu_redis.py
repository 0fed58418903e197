"""kombu's Redis transport, its clients made once a channel instead of once a command,
and a Redis that goes away no reason for a worker to end.

Making a client copies a table of some four hundred callbacks: a quarter of what a
worker's main thread did for a photo went into that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from weakref import finalize

from celery.app.amqp import AMQP
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES, redis

# Celery would wait for 2, 4, 6 … 30 s between its tries to connect again, so that a
# Redis that was away for half a minute was asked again a quarter of a minute later. One
# try costs a millisecond.
RETRIES = {"interval_start": 0.25, "interval_step": 0.25, "interval_max": 1.0}


class QoS(redis.QoS):
    """What is in hand, noted in Redis for the case that this process dies.

    kombu does so in a transaction: six answers to read where two are enough. Without
    it, a note without its place in the index may be left when the process dies between
    the two. Nobody comes to fetch that one, and the sweep of jobs wakes a worker anew.
    """

    channel: Any  # too narrow in the stubs

    @contextmanager
    def pipe_or_acquire(self, pipe: Any = None, client: Any = None) -> Iterator[Any]:
        if pipe is not None:
            yield pipe
            return
        with self.channel.conn_or_acquire(client) as client:
            yield client.pipeline(transaction=False)


class Channel(redis.Channel):
    """One client for all: each of its commands takes a connection from the pool."""

    QoS = QoS
    _lasting: Any = None
    connection: Any  # this and what follows: not, or too narrowly, in the stubs
    _close_clients: Any

    def _create_client(self, asynchronous: bool = False) -> Any:
        create = super()._create_client  # type: ignore[misc]
        if asynchronous:  # each of these holds a connection of its own
            return create(asynchronous=True)
        if self._lasting is None or self._lasting.connection_pool is not self.pool:
            self._lasting = create()
        return self._lasting

    def _get_pool(self, asynchronous: bool = False) -> Any:
        pool = super()._get_pool(asynchronous=asynchronous)  # type: ignore[misc]
        if not asynchronous:  # the others are closed by name
            # As garbage, a socket may go before the connection that closes it.
            finalize(self, pool.disconnect).atexit = False
        return pool

    def let_go(self) -> None:
        """Be closed, without a word to Redis and without putting messages back.

        What is in hand goes on in this process, so others need not begin it again. The
        pool stays: by it the messages are acknowledged once Redis is there again. Those
        of a process that does not live so long are back after the visibility timeout.
        """
        if self.closed:
            return
        self._closing = self.closed = True
        self._in_poll = self._in_listen = None
        self.do_restore = False
        self.qos.restore_unacked_once()  # takes it off the list of what to do at exit
        self.connection.cycle.discard(self)
        self._close_clients()
        self.connection.close_channel(self)


class Transport(redis.Transport):
    Channel = Channel
    channels: Any
    cycle: Any
    _avail_channels: Any
    _callbacks: Any

    def _collect(self, connection: Any) -> None:
        """kombu's hook for a connection that is lost: let go of it and do not use it.

        Without this kombu 5.7.0 closes every channel in order, which asks Redis to put
        the messages in hand back. The error of the first one leaves the others open;
        then the transport forgets where Redis is, the next one is closed and needs to
        know, and an AttributeError ends the worker.
        """
        for channel in dict.fromkeys([*self._avail_channels, *self.channels]):
            channel.let_go()
        self._avail_channels.clear()
        self._callbacks.clear()  # Celery's loop keeps us; so they need not be kept, too
        self.cycle.close()


class ImpatientConnection(Connection):
    """Asks more often whether a broker that went away is there again."""

    def ensure_connection(self, *args: Any, **options: Any) -> Self:
        return super().ensure_connection(*args, **(RETRIES | options))


class ImpatientAMQP(AMQP):
    """What a Celery application makes its connections from."""

    Connection = ImpatientConnection


def take_over() -> None:
    """From now on `redis://` and `redis+socket://` mean this transport."""
    TRANSPORT_ALIASES["redis"] = f"{__name__}:Transport"
