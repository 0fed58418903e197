"""A consumer as a line has one: subscribes for good, and writes down what arrives."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


@dataclass(frozen=True)
class Heard:
    topic: str
    payload: bytes
    retained: bool

    @property
    def said(self) -> dict[str, Any]:
        return json.loads(self.payload)


class Listener:
    """A persistent session: the broker keeps for it what comes while it is away."""

    def __init__(self, port: int, topics: str = "causeline/#", name: str = "") -> None:
        self.heard: list[Heard] = []
        self._topics = topics
        self._subscribed = False
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name or uuid.uuid4().hex,
            clean_session=False,
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port, keepalive=10)
        self._client.loop_start()

    def __enter__(self) -> Self:
        self.until(lambda: self._subscribed)
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def until(self, true: Any, timeout: float = 30) -> None:
        """Wait for something; TimeoutError otherwise."""
        end = time.monotonic() + timeout
        while not true():
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.heard)} messages were heard")
            time.sleep(0.02)

    def numbers(self, ending: str = "/inspection") -> dict[str, list[int]]:
        """The sequences by topic, in the order in which they came."""
        found: dict[str, list[int]] = {}
        for one in list(self.heard):
            if one.topic.endswith(ending):
                found.setdefault(one.topic, []).append(one.said["sequence"])
        return found

    def _on_connect(self, client: Client, *_: Any) -> None:
        client.subscribe(self._topics, qos=1)

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed = True

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        heard = Heard(message.topic, message.payload, bool(message.retain))
        self.heard.append(heard)


def without_repeats(numbers: list[int]) -> list[int]:
    """The numbers as a consumer takes them: one that follows itself counts once."""
    pairs = zip([None, *numbers], numbers, strict=False)
    return [number for before, number in pairs if number != before]
