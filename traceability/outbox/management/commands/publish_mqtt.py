"""`manage.py publish_mqtt`: the process that publishes over MQTT, until SIGTERM."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from traceability.lib.mqtt_address import MqttAddress
from traceability.lib.sockets import AlreadyLocked, lock
from traceability.outbox import links
from traceability.outbox.publisher import Publisher


class Command(BaseCommand):
    help = "Publishes results and alerts over MQTT (CAUSELINE_MQTT_URL)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        about = "only say whether it is published now, by whomever; exit 1 if not"
        parser.add_argument("--check", action="store_true", help=about)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.MQTT is None:
            raise CommandError("Set CAUSELINE_MQTT_URL, e.g. mqtt://broker:1883.")
        if options["check"]:
            self._check()
        else:
            self._publish(settings.MQTT)

    def _publish(self, address: MqttAddress) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        # The lock makes the name of this machine and folder the name of one process.
        path = settings.DATA_DIR / "run" / "mqtt.lock"
        try:
            held = lock(path, "publish_mqtt")
        except AlreadyLocked as error:
            raise CommandError(f"{error}: it publishes already.") from None
        with held:
            holder = f"{socket.gethostname()}:{settings.DATA_DIR}"[-200:]
            logging.getLogger("paho").setLevel(logging.WARNING)
            Publisher(address, holder, stop).run()

    def _check(self) -> None:
        state = links.health()
        if not state.up:
            raise CommandError(f"Nothing is published: {state.error or 'not begun'}.")
        self.stdout.write(f"ok, {state.waiting} waiting")
