"""How messages leave the house: one file per transport, imported when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from django.utils.module_loading import import_string

TRANSPORTS = {
    "email": "traceability.outbox.transports.email.EmailTransport",
}


class Transport(Protocol):
    """A connection for a handful of messages; connecting may wait for the first."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def send(self, recipient: str, message: Mapping[str, Any], key: str) -> None:
        """Hand one message over; raises a DeliveryError (see `errors`).

        `key` is the same whenever the same message is sent again.
        """


def load(name: str) -> Transport:
    """A new connection of the transport called `name`; raises KeyError."""
    transport: Transport = import_string(TRANSPORTS[name])()
    return transport
