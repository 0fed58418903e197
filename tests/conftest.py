"""What every test may ask for. State lives in a temporary folder, never in var/."""

from __future__ import annotations

from tests import environment  # isort: skip - before anything reads the settings

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from redis import Redis

from tests import clusters, services
from traceability.lib import embedded_redis

# The workers of pytest-xdist inherit the environment: with the name in it they would
# read the settings before they have a data folder of their own.
settings_read = settings.DATA_DIR
os.environ.pop("DJANGO_SETTINGS_MODULE", None)

if settings_read != environment.DATA:
    raise pytest.UsageError(
        "The settings were read too early: unset DJANGO_SETTINGS_MODULE."
    )


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """A database in a file, as in production: in memory there is no lock and no WAL."""
    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        database["TEST"]["NAME"] = str(settings.DATA_DIR / "test.sqlite3")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The embedded Redis of the test run's data folder, up: its address."""
    data = settings.DATA_DIR
    server = subprocess.Popen(
        [sys.executable, "-m", "traceability.lib.embedded_redis", str(data)],
        stdout=subprocess.DEVNULL,
        cwd=settings.BASE_DIR,
    )
    services.wait_for_redis(embedded_redis.url(data))
    yield embedded_redis.url(data)
    server.terminate()
    server.wait(timeout=10)


@pytest.fixture
def redis(redis_server: str) -> Iterator[Redis]:
    """A client of the embedded Redis, which is empty when the test starts."""
    with Redis.from_url(redis_server.replace("redis+socket://", "unix://")) as client:
        client.flushall()
        yield client


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of a throw-away PostgreSQL database; skips (fails in CI) without."""
    with services.postgres_database() as url:
        yield url


@pytest.fixture
def system_redis(tmp_path: Path) -> Iterator[services.RedisServer]:
    """A system Redis on a TCP port of its own; skips (fails in CI) without."""
    with services.system_redis(tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def empty_dask_scheduler() -> Iterator[str]:
    """The address of a Dask scheduler without workers; skips where Dask is missing."""
    pytest.importorskip("distributed", reason="needs requirements-dask.txt")
    with clusters.scheduler() as address:
        yield address


@pytest.fixture
def dask_scheduler(empty_dask_scheduler: str) -> Iterator[str]:
    """The same with two workers."""
    with clusters.workers(empty_dask_scheduler):
        yield empty_dask_scheduler
