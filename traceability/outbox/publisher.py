"""The process that holds the connection to the broker and publishes, one at a time."""

from __future__ import annotations

import logging
import random
import threading
import time

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from traceability.lib.mqtt_address import MqttAddress
from traceability.outbox import links
from traceability.outbox.pump import Pump
from traceability.outbox.resting import Rests
from traceability.outbox.transports.errors import Unreachable
from traceability.outbox.transports.mqtt import Broker

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


class LinkLost(Exception):
    """Somebody else publishes now."""


class Publisher:
    """Publishes until `stop` is set. `holder` is a name that no other process has.

    A broker that is away is asked again after 1, 2, 4 … 30 s, with jitter; meanwhile
    what is to be published waits in the database.
    """

    def __init__(
        self, address: MqttAddress, holder: str, stop: threading.Event
    ) -> None:
        self._address = address
        self._holder = holder
        self._stop = stop
        self._failures = 0
        self._next_beat = 0.0
        self._arrived = 0
        self._rests = Rests()

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                self._hold()
                self._publish()
            except LinkLost:
                self._stop.wait(BEAT_SECONDS)
            except (Unreachable, DatabaseError, InterfaceError) as error:
                self._pause(error)
        self._retire()

    def _publish(self) -> None:
        """One connection, from its beginning to its end."""
        with Broker(self._address) as broker:
            pump = Pump(broker, self._rests)
            for _topic in pump.restore():
                self._beat(self._rests.why())
            self._note(up=True, error=self._rests.why())
            logger.info("connected to %s:%s", self._address.host, self._address.port)
            while not self._stop.is_set():
                if arrived := pump.turn():
                    self._arrived += arrived
                    self._failures = 0
                self._beat(self._rests.why())

    def _beat(self, refused: str) -> None:
        """Renew the lease now and then, and write down how things stand."""
        if time.monotonic() < self._next_beat:
            return
        close_old_connections()
        self._hold()
        self._note(up=True, error=refused)
        if self._arrived:
            links.count(links.MQTT, self._holder, self._arrived)
            self._arrived = 0

    def _hold(self) -> None:
        if not links.hold(links.MQTT, self._holder):
            raise LinkLost
        self._next_beat = time.monotonic() + BEAT_SECONDS

    def _note(self, *, up: bool, error: str = "") -> None:
        links.note(links.MQTT, self._holder, up=up, error=error)

    def _pause(self, error: Exception) -> None:
        """Wait for the next try, with the lease kept and the reason written down."""
        self._failures += 1
        logger.warning("cannot publish: %s", error)
        doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 10)
        seconds = min(LONGEST_PAUSE_SECONDS, doubled) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        end = time.monotonic() + seconds
        self._write_down(error)
        while (left := end - time.monotonic()) > 0:
            if self._stop.wait(min(left, BEAT_SECONDS)):
                return
            self._write_down(error)

    def _write_down(self, error: Exception) -> None:
        try:
            if links.hold(links.MQTT, self._holder):
                self._note(up=False, error=str(error))
        except (DatabaseError, InterfaceError):
            connection.close()  # the next use makes a new one

    def _retire(self) -> None:
        try:
            links.count(links.MQTT, self._holder, self._arrived)
            self._note(up=False, error="stopped")
            links.release(links.MQTT, self._holder)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the lease runs out by itself: %s", error)
