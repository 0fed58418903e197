"""`manage.py demo`: a factory with hidden causes, played through the API."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console

from traceability.demo.plan import FactoryPlan, plan_factory
from traceability.demo.player.client import ApiError
from traceability.demo.player.play import Outcome, Player
from traceability.demo.player.screen import sign_in_lines
from traceability.demo.player.site import PEOPLE
from traceability.demo.player.state import (
    State,
    end_of_plan,
    load,
    stored_password,
)
from traceability.lib.processes import ProcessGroup, ServeError
from traceability.lib.sockets import AlreadyLocked, lock

HOST = "127.0.0.1"
FOLDER = "demo"
STARTED = "CAUSELINE_DEMO_STARTED"
"""Set for the second half of the command, which runs in the demo's own folder."""
ELSEWHERE = {
    f"CAUSELINE_{what}_URL{kind}"
    for what in ("DATABASE", "REDIS", "MQTT", "SMTP")
    for kind in ("", "_FILE")
}
"""What could lead the demo to data that is not its own, and its alerts to people who
would believe them.
"""


class Command(BaseCommand):
    help = (
        "Builds a demo factory in a data folder of its own, plays its MES and cameras "
        "through the API, ranks the causes, and serves the pages."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--serve", action=BooleanOptionalAction, default=True)
        parser.add_argument("--reset", action="store_true", help="build it anew")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        started = os.environ.pop(STARTED, None)
        if started is None:
            _run_in_own_folder(options["port"])
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            outcome = self._demo(float(started or 0), **options)
        except (ApiError, ServeError) as error:
            raise CommandError(str(error)) from error
        except AlreadyLocked as error:
            raise CommandError(f"The demo is running: {error}.") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; run it again to go on.") from None
        if not outcome.passed:
            sys.exit(1)

    def _demo(
        self,
        started: float,
        *,
        seed: int,
        serve: bool,
        reset: bool,
        port: int,
        **_: Any,
    ) -> Outcome:
        """`started`: seconds since 1970 when the command was given."""
        folder: Path = settings.DATA_DIR
        console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)
        plan, state = _planned(folder, seed, reset)
        print(f"Starting in {folder} …", file=sys.stderr, flush=True)
        with ProcessGroup(folder, host=HOST, port=port) as group:
            player = Player(plan, folder, HOST, port, state, console)
            keys = player.play()
            outcome = player.judge(keys, started)
            if serve:
                _tell_sign_in(console, folder, group.url)
            print(outcome.to_json(), flush=True)
            if serve:
                _serve(group)
        return outcome


def _run_in_own_folder(port: int) -> None:
    """Become the same command with its own data folder; does not return."""
    environment = {k: v for k, v in os.environ.items() if k not in ELSEWHERE}
    environment["CAUSELINE_DATA"] = str(settings.DATA_DIR / FOLDER)
    environment.setdefault("CAUSELINE_URL", f"http://{HOST}:{port}")
    environment[STARTED] = str(time.time())
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606


def _planned(folder: Path, seed: int, reset: bool) -> tuple[FactoryPlan, State]:
    """What the folder holds, if it is this factory and ends today; else a new one."""
    known, now = load(folder), timezone.now()
    if known and not reset and (known.seed, known.until.date()) == (seed, now.date()):
        plan = plan_factory(seed, now.date(), known.until)
        if plan.sha256 == known.plan_sha256:
            return plan, known
    lock(folder / "run" / "serve.lock").close()  # nobody serves what goes away
    shutil.rmtree(folder)
    folder.mkdir()
    plan = plan_factory(seed, now.date(), end_of_plan(now))
    state = State(seed, plan.until, plan.sha256)
    state.save(folder)
    return plan, state


def _tell_sign_in(console: Console, folder: Path, url: str) -> None:
    passwords = {name: stored_password(folder, name) for name in PEOPLE}
    for line in sign_in_lines(url, passwords):
        console.print(line, highlight=False)
    console.print("Ctrl-C stops it; what it built stays.", highlight=False)


def _serve(group: ProcessGroup) -> None:
    try:
        if group.wait():
            raise ServeError(f"The supervisor ended.\n{group.tail('supervisord')}")
    except KeyboardInterrupt:
        print("Stopping …", file=sys.stderr)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
