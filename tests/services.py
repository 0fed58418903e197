"""Real services for tests: PostgreSQL, Redis servers and MQTT brokers of our own.

A missing service, program or package skips the test and says so; where `CI` is set it
fails instead, so that nothing can go untested there unseen.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

POSTGRES_URL = "postgresql://postgres@127.0.0.1:5432/postgres"


def missing(what: str) -> None:
    """Skip visibly; fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and in CI it must be there")
    pytest.skip(what, allow_module_level=True)


def training_packages() -> None:
    """Skip (fail in CI) without them."""
    if not all(map(find_spec, ("torch", "onnxscript"))):
        missing("needs requirements-train.txt")


def search_path() -> str:
    """The PATH, and behind it where servers are, which many a user's PATH lacks."""
    return f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin"


def program(name: str) -> str:
    """Where on `search_path` it is; skips (fails in CI) where it is not."""
    found = shutil.which(name, path=search_path())
    if found is None:
        missing(f"no {name} on this machine")
    return str(found)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postgres_url() -> str:
    """A server to make databases on: CAUSELINE_TEST_POSTGRES_URL or the local one."""
    return os.environ.get("CAUSELINE_TEST_POSTGRES_URL", POSTGRES_URL)


@contextmanager
def postgres_database() -> Iterator[str]:
    """The address of a new, empty database that is dropped afterwards."""
    name = f"causeline_test_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(postgres_url(), autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        missing(f"no PostgreSQL at {urlsplit(postgres_url()).hostname}: {error}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(postgres_url())._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@dataclass
class RedisServer:
    """A system Redis on a port of its own, with its log in `folder`."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen(
            [program("redis-server"), *options, "--appendonly", "yes"],
            stdout=subprocess.DEVNULL,
        )
        wait_for_redis(self.url)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def stop(self, number: int) -> None:
        """End it with a signal."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)


def wait_for_redis(url: str, timeout: float = 10) -> None:
    """Return once the server answers; TimeoutError otherwise."""
    deadline = time.monotonic() + timeout
    client = redis.Redis.from_url(
        url.replace("redis+socket://", "unix://"), retry=Retry(NoBackoff(), 0)
    )
    while time.monotonic() < deadline:
        try:
            client.ping()
        except redis.RedisError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"no Redis at {url}")


@contextmanager
def system_redis(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass
class Broker:
    """A Mosquitto on a port of its own that keeps what it has in `folder`.

    To whom it sends, it sends one message at a time: so repeats follow one another.
    """

    folder: Path
    options: str = "allow_anonymous true\nmax_inflight_messages 1\n"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        executable = program("mosquitto")
        path = self.folder / "mosquitto.conf"
        path.write_text(
            f"listener {self.port} 127.0.0.1\npersistence true\n"
            f"persistence_location {self.folder}/\nmax_queued_messages 0\n"
            f"{self.options}log_dest file {self.folder}/log\nlog_type all\n"
        )
        if os.getuid() == 0:  # else it would give its rights away, and the folder
            path.write_text(f"user root\n{path.read_text()}")
        self.process = subprocess.Popen(
            [executable, "-c", str(path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def stop(self) -> None:
        """As an administrator does: what it has taken is on disk afterwards."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)
            self.process = None

    def _wait(self, timeout: float = 10) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError(f"no Mosquitto on port {self.port}")


@contextmanager
def mosquitto(folder: Path, options: str = Broker.options) -> Iterator[Broker]:
    broker = Broker(folder, options)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
