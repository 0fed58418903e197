"""Run containers' commands without containers: the same words, other places.

What a container would see as folders, secrets, names of other containers and ports is
put in their place, in every command and every variable; nothing else is changed, and
nothing of this process's environment but the PATH gets in.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.deploy.files import (
    DEPLOY,
    compose,
    context_copies,
    env_file,
    image_environment,
    of,
    our_services,
    seconds,
)
from tests.services import free_port, search_path
from traceability.lib.programs import REPOSITORY

PYTHON = Path(sys.prefix)


def build(folder: Path) -> Path:
    """The image's /opt/causeline: what its stage `application` copies and runs."""
    application = folder / "opt" / "causeline"
    application.mkdir(parents=True)
    skipped = shutil.ignore_patterns("__pycache__", "*.pyc")
    for source, stage in context_copies():
        if stage != "application":
            continue
        place = REPOSITORY / source
        if place.is_dir():
            shutil.copytree(place, application / source, ignore=skipped)
        else:
            shutil.copy(place, application)
    for words in of("RUN", "application"):
        words = words.replace("/opt/causeline", str(application))
        words = words.replace("/opt/venv", str(PYTHON))
        words = words.replace("/tmp/data", str(folder / "thrown-away"))  # noqa: S108
        subprocess.run(["/bin/sh", "-c", words], cwd=application, check=True)
    return application


@dataclass
class Site:
    """The compose file's site on this machine, its database at `postgres`.

    `places` maps what a container sees to what stands for it here.
    """

    folder: Path
    postgres: str
    site_env: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services: dict[str, dict[str, Any]] = compose()["services"]
        self.ours = our_services(compose())
        self.application = build(self.folder)
        self.ports = {name: free_port() for name in ("8000", "6379", "1883", "9464")}
        self.ports["5432"] = urlsplit(self.postgres).port or 5432
        secrets = self.folder / "secrets"
        for name in (
            "secrets",
            "data",
            "watch",
            "photos",
            "logs",
            "redis",
            "mosquitto",
        ):
            (self.folder / name).mkdir()
        for name in compose()["secrets"]:
            (secrets / name).write_text(f"{name}-" + "x" * 40)
        database = self.ours["web"]["environment"]["CAUSELINE_DATABASE_URL"]
        self.places = {
            database: self.postgres,
            "http://web:": "http://127.0.0.1:",
            "redis://redis:": "redis://127.0.0.1:",
            "mqtt://mosquitto:": "mqtt://127.0.0.1:",
            "0.0.0.0": "127.0.0.1",  # noqa: S104
            "/opt/causeline": str(self.application),
            "/opt/venv": str(PYTHON),
            "/run/secrets": str(secrets),
            "/photos": str(self.folder / "photos"),
            "/mosquitto/data": str(self.folder / "mosquitto"),
        }

    def data(self, name: str) -> Path:
        """The volume that a container of ours has as its data folder."""
        where = image_environment()["CAUSELINE_DATA"]
        mounts = [volume.split(":") for volume in self.ours[name]["volumes"]]
        (volume,) = [source for source, target in mounts if target == where]
        return self.folder / volume

    def here(self, text: str, name: str = "") -> str:
        """What a container, of ours the one of this `name`, says of its places."""
        if name in self.ours:
            where = image_environment()["CAUSELINE_DATA"]
            text = text.replace(where, str(self.data(name)))
        for there, place in self.places.items():
            text = text.replace(there, place)
        for port, free in self.ports.items():
            text = re.sub(rf"(?<![\d.]){port}(?!\d)", str(free), text)
        return text

    def environment(self, name: str) -> dict[str, str]:
        given = image_environment() | env_file(DEPLOY / "site.env.example")
        given |= self.services[name].get("environment", {}) | self.site_env
        path = f"{PYTHON / 'bin'}:{search_path()}"
        return {key: self.here(str(one), name) for key, one in given.items()} | {
            "PATH": path
        }

    def command(self, name: str) -> list[str]:
        return [self.here(word) for word in self.services[name]["command"]]

    def run(self, name: str, *words: str) -> str:
        """`docker compose run NAME WORDS`, or its own command; what it printed."""
        done = subprocess.run(
            words or self.command(name),
            cwd=self.application,
            env=self.environment(name),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str, *more: str) -> None:
        """`docker compose up NAME`, with `more` words behind its command."""
        ours = name in self.ours
        with (self.folder / "logs" / name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*self.command(name), *more],
                cwd=self.application if ours else self.folder / name,
                env=self.environment(name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_mosquitto(self) -> None:
        """Its image's command: the server with the file that is mounted there."""
        text = self.here((DEPLOY / "mosquitto.conf").read_text())
        path = self.folder / "mosquitto" / "mosquitto.conf"
        # As root it would otherwise give its rights away, and the folder.
        path.write_text(f"user root\n{text}" if os.getuid() == 0 else text)
        words = ["mosquitto", "-c", str(path)]
        self.services["mosquitto"]["command"] = words
        self.start("mosquitto")

    def is_healthy(self, name: str) -> bool:
        kind, *words = self.services[name]["healthcheck"]["test"]
        words = [self.here(word) for word in words]
        done = subprocess.run(
            words if kind == "CMD" else ["/bin/sh", "-c", *words],
            cwd=self.application,
            env=self.environment(name),
            capture_output=True,
            check=False,
            timeout=60,
        )
        return done.returncode == 0

    def wait_until_healthy(self, name: str) -> None:
        """As long as compose would wait without counting failures, and some more."""
        patience = seconds(self.services[name]["healthcheck"]["start_period"])
        end = time.monotonic() + 60 + patience
        while not self.is_healthy(name):
            process = self.running.get(name)
            if process is not None and process.poll() is not None:
                raise AssertionError(f"{name} ended: {self.said(name)}")
            if time.monotonic() > end:
                raise AssertionError(f"{name} is not healthy: {self.said(name)}")
            time.sleep(0.5)

    def said(self, name: str) -> str:
        return (self.folder / "logs" / name).read_text(errors="replace")[-3000:]

    def stop(self, name: str) -> tuple[int, float]:
        """`docker compose stop NAME`: exit code, and seconds that it took."""
        return self.stop_together([name])[name]

    def stop_together(self, names: list[str]) -> dict[str, tuple[int, float]]:
        """Signal all, then wait for each no longer than its grace period lets."""
        started = time.monotonic()
        for name in names:
            number = getattr(signal, self.services[name]["stop_signal"])
            self.running[name].send_signal(number)
        ends: dict[str, tuple[int, float]] = {}
        while len(ends) < len(names):
            spent = time.monotonic() - started
            for name in set(names) - ends.keys():
                grace = seconds(self.services[name]["stop_grace_period"])
                code = self.running[name].poll()
                if code is not None:
                    ends[name] = (code, spent)
                    del self.running[name]
                assert code is not None or spent < grace, f"{name}: {self.said(name)}"
            time.sleep(0.05)
        return ends

    def kill(self) -> None:
        for process in self.running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
