"""`manage.py serve`: everything that runs, on one machine, until Ctrl-C."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from traceability.lib.processes import PARTS, ProcessGroup, ServeError


class Command(BaseCommand):
    help = (
        "Runs the web server, the workers, the clock, (unless CAUSELINE_REDIS_URL is "
        "set) Redis and (if CAUSELINE_MQTT_URL is) what publishes over MQTT, and "
        "restarts what dies."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--ready-timeout", type=float, default=120, metavar="S")
        for part in PARTS:
            parser.add_argument(f"--no-{part}", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        parts = [part for part in PARTS if not options[f"no_{part}"]]
        group = ProcessGroup(
            settings.DATA_DIR,
            host=options["host"],
            port=options["port"],
            parts=parts,
        )
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
                signal.signal(number, _interrupt)
        try:
            self._serve(group, options["ready_timeout"])
        except ServeError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self._say("Stopping: work in hand is finished first …")
        finally:
            group.stop()

    def _serve(self, group: ProcessGroup, timeout: float) -> None:
        self._say(f"Starting in {group.data} …")
        group.start()
        group.wait_until_ready(timeout)
        self._say(f"Ready: {group.url} (logs in {group.data / 'logs'})")
        if group.wait():
            raise ServeError(f"The supervisor ended.\n{group.tail('supervisord')}")

    def _say(self, text: str) -> None:
        """What is no error, and need not be red."""
        self.stderr.write(text, style_func=str)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
