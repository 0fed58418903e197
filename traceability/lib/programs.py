"""The programs of a site, and the supervisor's configuration that runs them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from configparser import RawConfigParser
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

from traceability.lib import embedded_redis
from traceability.lib.cards import CHOSEN
from traceability.lib.sockets import socket_folder

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("redis", "inspect", "analysis", "clock", "mqtt", "web")
WORKERS = "workers"
LOG_BYTES = 10 * 2**20
LOG_BACKUPS = 3
# Threads of the inspect worker: they read, decode and wait, so that a full batch is
# ready while another one is with the detector. A batch is 8 images, on a card 32.
INSPECT_THREADS = 16
CARD_THREADS = 64
CLOCK_THREADS = 4


@dataclass(frozen=True)
class Program:
    """One supervised process; started by ascending, stopped by descending `order`.

    `queue` is the Celery queue that it consumes. `stop_seconds` is how long it may take
    to finish what it has begun. `card` is the graphics card that alone it sees.
    """

    name: str
    command: tuple[str, ...]
    order: int
    stop_seconds: int
    queue: str = ""
    card: str = ""

    @property
    def part(self) -> str:
        """What it is one of: `inspect-2` is an `inspect`."""
        return self.name.partition("-")[0]


def programs(
    data: Path,
    host: str,
    port: int,
    parts: Collection[str],
    cards: Sequence[str] = (),
) -> list[Program]:
    """Those of all programs that are named in `parts`, in their order.

    One `inspect` for each of `cards`, in which a graphics card may be named twice, or
    one for the CPU.
    """
    python = sys.executable
    redis = (python, "-m", "traceability.lib.embedded_redis", str(data))
    gunicorn = (python, "-m", "gunicorn", "-c", "python:traceability.lib.gunicorn")
    web = (*gunicorn, "--bind", _address(host, port), "traceability.wsgi")
    every = [
        Program("redis", redis, 10, 10),
        *_inspectors(cards),
        _worker("analysis", 21, 15, *_analysis()),
        _worker("clock", 22, 10, *_clock(), queue="system"),
        Program("mqtt", (python, "manage.py", "publish_mqtt"), 23, 15),
        Program("web", web, 30, 20),
    ]
    return [program for program in every if program.part in parts]


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _inspectors(cards: Sequence[str]) -> list[Program]:
    if not cards:
        return [_worker("inspect", 20, 30, *_inspect(INSPECT_THREADS))]
    names = ["inspect", *(f"inspect-{number}" for number in range(2, len(cards) + 1))]
    every = [
        _worker(name, 20, 30, *_inspect(CARD_THREADS), queue="inspect")
        for name in names
    ]
    return [
        replace(program, card=card) for program, card in zip(every, cards, strict=True)
    ]


def _inspect(threads: int) -> tuple[str, ...]:
    pool = ("-P", "threads", "-c", str(threads))
    return (*pool, "-I", "inference_worker.worker")


def _clock() -> tuple[str, ...]:
    threads = ("-P", "threads", "-c", str(CLOCK_THREADS))
    return (*threads, "-I", "traceability.jobs.clock,traceability.jobs.courtesy")


def _analysis() -> tuple[str, ...]:
    return ("-P", "prefork", "-c", "1", "-I", "traceability.jobs.courtesy")


def _worker(
    name: str, order: int, stop_seconds: int, *options: str, queue: str = ""
) -> Program:
    queue = queue or name
    command = (
        *(sys.executable, "-m", "celery", "-A", "traceability.celery", "worker"),
        *("-Q", queue, "-n", f"{name}@%h", "--loglevel", "INFO"),
        # Nobody listens to what workers would tell of themselves.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *options,
    )
    return Program(name, command, order, stop_seconds, queue)


def completed(environment: Mapping[str, str], data: Path) -> dict[str, str]:
    """The environment of every process of the site in `data`."""
    whole = {"DJANGO_SETTINGS_MODULE": "traceability.settings"} | dict(environment)
    whole["CAUSELINE_DATA"] = str(data)
    # The checks ran before the start; without them a worker is back sooner.
    whole["CELERY_SKIP_CHECKS"] = "1"
    whole["PYTHONUNBUFFERED"] = "1"
    if not whole.get("CAUSELINE_REDIS_URL"):
        whole["CAUSELINE_REDIS_URL"] = embedded_redis.url(data)
    return whole


def control_socket(data: Path) -> Path:
    """Where the supervisor takes commands; only its user may."""
    return socket_folder(data / "run") / "supervisor.sock"


def log_file(data: Path, name: str) -> Path:
    return data / "logs" / f"{name}.log"


def configuration(data: Path, chosen: Iterable[Program]) -> str:
    """What `supervisord -c` reads."""
    config = RawConfigParser()
    config["supervisord"] = {
        "nodaemon": "true",
        "silent": "true",
        "identifier": "causeline",
        "logfile": _literal(log_file(data, "supervisord")),
        "logfile_maxbytes": str(LOG_BYTES),
        "logfile_backups": str(LOG_BACKUPS),
        "pidfile": _literal(data / "run" / "supervisord.pid"),
        "childlogdir": _literal(data / "logs"),
    }
    if os.getuid() == 0:
        config["supervisord"]["user"] = "root"  # else it warns of being root
    config["unix_http_server"] = {
        "file": _literal(control_socket(data)),
        "chmod": "0700",
    }
    factory = "supervisor.rpcinterface:make_main_rpcinterface"
    config["rpcinterface:supervisor"] = {"supervisor.rpcinterface_factory": factory}
    workers = []
    for program in chosen:
        config[f"program:{program.name}"] = _section(data, program)
        workers += [program.name] if program.queue else []
    if workers:  # a group is told to stop as one, so they finish at the same time
        config[f"group:{WORKERS}"] = {"programs": ",".join(workers), "priority": "20"}
    text = StringIO()
    config.write(text)
    return text.getvalue()


def _section(data: Path, program: Program) -> dict[str, str]:
    """Restarted whenever it ends; one that ends within a second a little later."""
    section = {"environment": f'{CHOSEN}="{program.card}"'} if program.card else {}
    return section | {
        "command": _literal(shlex.join(program.command)),
        "directory": _literal(REPOSITORY),
        "priority": str(program.order),
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "1000000",
        "stopsignal": "TERM",
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _literal(log_file(data, program.name)),
        "stdout_logfile_maxbytes": str(LOG_BYTES),
        "stdout_logfile_backups": str(LOG_BACKUPS),
    }


def _literal(value: object) -> str:
    """Percent signs stand for variables in the supervisor's files."""
    return str(value).replace("%", "%%")
