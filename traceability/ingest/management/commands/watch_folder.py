"""`manage.py watch_folder`: for cameras that drop files."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from traceability.ingest.watching.aside import Journal
from traceability.ingest.watching.plan import PATTERN, After, Plan
from traceability.ingest.watching.sending import Sender
from traceability.ingest.watching.watcher import Watcher
from traceability.lib.sockets import AlreadyLocked, lock

MOST_SECONDS = 86_400


class Command(BaseCommand):
    help = "Uploads the photos that a camera drops into a folder, over REST."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--station", help="code of the station of all photos")
        where.add_argument(
            "--station-folders",
            action="store_true",
            help="the folders in FOLDER are named like their stations",
        )
        parser.add_argument(
            "--key-file",
            type=Path,
            required=True,
            help="file with an API key of scope upload (manage.py create_key)",
        )
        parser.add_argument(
            "--url", default=settings.SITE_URL, help="of the server; %(default)s"
        )
        parser.add_argument(
            "--pattern",
            default=PATTERN.pattern,
            help="regular expression for the beginning of the name, with a group "
            "'serial' (and 'station' if you like); %(default)s",
        )
        parser.add_argument(
            "--after", choices=[str(one) for one in After], default=str(After.MOVE)
        )
        parser.add_argument(
            "--time-zone",
            default=settings.TIME_ZONE,
            help="of the cameras' clocks, where EXIF has none; %(default)s",
        )
        parser.add_argument("--settle", type=_seconds, default=2.0, metavar="S")
        parser.add_argument("--patience", type=_seconds, default=30.0, metavar="S")
        parser.add_argument(
            "--threads", type=int, choices=range(1, 17), default=4, metavar="1…16"
        )
        parser.add_argument(
            "--once", action="store_true", help="end when no file is left"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        plan = _plan(options)
        try:
            sender = Sender(options["url"], _key(options["key_file"]))
        except ValueError as error:
            raise CommandError(f"--url: {error}.") from error
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        name = hashlib.sha256(os.fsencode(plan.folder)).hexdigest()[:16]
        try:
            held = lock(
                settings.DATA_DIR / "run" / f"watch-{name}.lock", "watch_folder"
            )
        except AlreadyLocked:
            raise CommandError(f"{plan.folder} is watched already.") from None
        journal = Journal(settings.DATA_DIR / "watch" / f"{name}.sqlite3")
        try:
            watcher = Watcher(plan, sender, journal, stop, options["threads"])
            tally = watcher.run(once=options["once"])
        finally:
            journal.close()
            held.close()
        self.stdout.write(
            f"{tally.sent} sent, {tally.known} known already, {tally.rejected} rejected"
        )


def _plan(options: dict[str, Any]) -> Plan:
    folder: Path = options["folder"].resolve()
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder.")
    if options["time_zone"] not in available_timezones():
        raise CommandError(f"--time-zone: there is no {options['time_zone']!r}.")
    return Plan(
        folder,
        options["station"],
        _pattern(options["pattern"]),
        After(options["after"]),
        ZoneInfo(options["time_zone"]),
        options["settle"],
        options["patience"],
    )


def _seconds(text: str) -> float:
    with suppress(ValueError):
        seconds = float(text)
        if 0 <= seconds <= MOST_SECONDS:  # not a number is neither
            return seconds
    raise ArgumentTypeError(f"{text!r} is not a number from 0 to {MOST_SECONDS}")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise CommandError(f"--pattern: {error}.") from error
    if "serial" not in pattern.groupindex:
        hint = "Write (?P<serial>…) around what is the serial number."
        raise CommandError(f"--pattern has no group 'serial'. {hint}")
    return pattern


def _key(path: Path) -> str:
    try:
        key = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--key-file: {error}.") from error
    if not key or not key.isascii() or len(key.split()) != 1:
        raise CommandError(f"--key-file: {path} holds no API key.")
    return key
