"""One connection to an MQTT broker, in one thread, without a memory of its own.

What was not acknowledged is sent again from the database over the next connection; the
library's own queue and reconnects are not used, because they end with the process.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from traceability.lib.mqtt_address import MqttAddress
from traceability.outbox.publications import topic_of
from traceability.outbox.transports.errors import Unreachable

# A broker that says nothing for this long is gone, whatever TCP believes.
KEEPALIVE_SECONDS = 15
CONNECT_SECONDS = 5
FAREWELL_SECONDS = 2
# Brokers take at least so many messages that they have not acknowledged.
WINDOW = 20
PROTOCOLS: Mapping[str, MQTTProtocolVersion] = {
    "5": MQTTProtocolVersion.MQTTv5,
    "3.1.1": MQTTProtocolVersion.MQTTv311,
}


@dataclass(frozen=True)
class Answer:
    """What the broker says to message `mid`: nothing wrong, or why it was refused."""

    mid: int
    refused: str = ""


class Broker:
    """Connects, announces that we are online, and says so when we are not any more.

    The last will is published by the broker when the connection breaks; whoever
    connects under our name ends an older connection, so two cannot send at once.
    """

    def __init__(self, address: MqttAddress) -> None:
        self._address = address
        self._answers: list[Answer] = []
        self._connected = False
        self._down = ""
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id(),
            protocol=PROTOCOLS[address.version],
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = CONNECT_SECONDS
        self._client.max_inflight_messages = WINDOW
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_disconnect = self._on_disconnect

    def __enter__(self) -> Self:
        """Connect; raises Unreachable with what the broker or the network says."""
        try:
            self._connect()
        except (OSError, ValueError) as error:  # the network, TLS, a PEM file
            self._hang_up()
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        except Unreachable:
            self._hang_up()
            raise
        self.publish(status_topic(), status(online=True), retain=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye if all is well; else the broker publishes the last will."""
        if error is not None or self._down:
            self._hang_up()
            return
        mid = self.publish(status_topic(), status(online=False), retain=True)
        end = time.monotonic() + FAREWELL_SECONDS
        try:
            while time.monotonic() < end:
                if any(answer.mid == mid for answer in self.answers(0.1)):
                    break
        except Unreachable:
            return
        self._client.disconnect()

    def publish(self, topic: str, payload: str, *, retain: bool) -> int:
        """Hand one message over, at least once; its answer will carry the number."""
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def answers(self, seconds: float) -> list[Answer]:
        """What the broker has acknowledged; waits at most so long for something.

        Raises Unreachable when the connection is gone and all that was said is told.
        """
        if not self._answers:
            self._client.loop(seconds)
        found, self._answers = self._answers, []
        if not found and self._down:
            raise Unreachable(self._down)
        return found

    def _connect(self) -> None:
        self._sign_in()
        self._client.connect(self._address.host, self._address.port, KEEPALIVE_SECONDS)
        end = time.monotonic() + CONNECT_SECONDS
        while not self._connected:
            if time.monotonic() > end:
                raise Unreachable("the broker does not answer")
            self.answers(0.1)

    def _sign_in(self) -> None:
        address = self._address
        if address.tls:
            context = ssl.create_default_context(cafile=address.authority)
            if address.certificate:
                context.load_cert_chain(address.certificate, address.key)
            self._client.tls_set_context(context)
        if address.user or address.password:
            self._client.username_pw_set(address.user, address.password or None)
        will = status(online=False)
        self._client.will_set(status_topic(), will, qos=1, retain=True)

    def _hang_up(self) -> None:
        """Break the connection without a goodbye, so that the last will is heard."""
        if (socket := self._client.socket()) is not None:
            socket.close()

    def _on_connect(
        self, client: Client, data: Any, flags: Any, reason: ReasonCode, props: Any
    ) -> None:
        if reason.is_failure:
            self._down = f"the broker refuses us: {reason}"
        self._connected = not reason.is_failure

    def _on_publish(
        self, client: Client, data: Any, mid: int, reason: ReasonCode, props: Any
    ) -> None:
        refused = str(reason) if reason.is_failure else ""
        self._answers.append(Answer(mid, refused))

    def _on_disconnect(
        self, client: Client, data: Any, flags: Any, reason: ReasonCode, props: Any
    ) -> None:
        self._down = self._down or f"the connection broke: {reason}"


def client_id() -> str:
    """Our name at the broker: the same for all processes that share a secret key."""
    digest = salted_hmac("causeline.mqtt", status_topic(), algorithm="sha256")
    return f"causeline-{digest.hexdigest()[:12]}"


def status_topic() -> str:
    """Where the broker retains whether we are there."""
    return topic_of("status")


def status(*, online: bool) -> str:
    said: dict[str, Any] = {"schema": 1, "online": online}
    if online:
        said |= {"since": timezone.now().isoformat(), "version": settings.VERSION}
    return json.dumps(said)
