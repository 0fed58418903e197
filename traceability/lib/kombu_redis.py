"""kombu's Redis transport, its clients made once a channel instead of once a command.

Making a client copies a table of some four hundred callbacks: a quarter of what a
worker's main thread did for a photo went into that.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    """One client for all: each of its commands takes a connection from the pool."""

    _lasting: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        create = super()._create_client  # type: ignore[misc]  # not in the stubs
        if asynchronous:  # each of these holds a connection of its own
            return create(asynchronous=True)
        if self._lasting is None or self._lasting.connection_pool is not self.pool:
            self._lasting = create()
        return self._lasting


class Transport(redis.Transport):
    Channel = Channel


def take_over() -> None:
    """From now on `redis://` and `redis+socket://` mean this transport."""
    TRANSPORT_ALIASES["redis"] = f"{__name__}:Transport"
