"""Redis goes away while workers have messages in hand: they stay, and nothing is done
twice.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from redis import Redis

from tests.factory import Factory, noise
from tests.services import RedisServer
from traceability.lib.programs import REPOSITORY

SLOW = Path(__file__).parent / "slow"
WORKERS = ("inspect", "clock", "analysis")
# Fewer than the worker's threads: so it also waits for more when Redis goes away.
IN_HAND = 10
AWAY_SECONDS = 5
SECONDS = 30.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Slow:
    """A site whose inspect worker takes a second for each photo, and notes it."""

    factory: Factory
    looks: Path

    def upload(self, photos: list[bytes]) -> list[str]:
        answers = [self.factory.upload(photo) for photo in photos]
        assert {status for status, _ in answers} == {202}
        return [body["id"] for _, body in answers]

    def running(self) -> int:
        return self.factory.counts("jobs_job").get("running", 0)

    def pids(self) -> dict[str, int]:
        return {name: self.factory.pid(name) for name in WORKERS}

    def looked_at(self, photos: list[bytes]) -> set[int]:
        """How often each of the photos was looked at."""
        seen = Counter(self.looks.read_text().split())
        return {seen[sha256(photo).hexdigest()] for photo in photos}

    def attempts(self, ids: list[str]) -> set[tuple[str, int]]:
        """State and attempts of the inspections' jobs."""
        sql = "SELECT arguments, state, attempts FROM jobs_job"
        rows = self.factory.query(sql)
        return {
            (state, attempts)
            for arguments, state, attempts in rows
            if any(pk in arguments for pk in ids)
        }


def slow_site(folder: Path, **environment: str) -> Factory:
    path = {"PYTHONPATH": f"{SLOW}:{REPOSITORY}", "SLOW_LOOKS": str(folder / "looks")}
    return Factory(folder, path | environment)


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slow]:
    """With the Redis that comes along, which its supervisor starts again."""
    folder = tmp_path_factory.mktemp("bundled")
    with slow_site(folder) as factory:
        yield Slow(factory, folder / "looks")


@pytest.fixture
def distributed(tmp_path: Path, system_redis: RedisServer) -> Iterator[Slow]:
    """With a Redis elsewhere, which is away for as long as it is."""
    with slow_site(tmp_path, CAUSELINE_REDIS_URL=system_redis.url) as factory:
        yield Slow(factory, tmp_path / "looks")


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_outlive_a_redis_that_is_restarted(
    bundled: Slow, number: signal.Signals
) -> None:
    site, pids = bundled.factory, bundled.pids()
    for turn in range(3):
        photos = [noise(100 * number + 20 * turn + n, 320) for n in range(IN_HAND)]
        ids = bundled.upload(photos)
        until(lambda: bundled.running() >= IN_HAND // 2)
        old = site.kill("redis", number)
        site.wait_until_restarted("redis", old)
        site.wait_until_done(SECONDS)
        assert bundled.looked_at(photos) == {1}
        assert bundled.attempts(ids) == {("succeeded", 1)}
    assert bundled.pids() == pids
    url = site.group.redis_url.replace("redis+socket://", "unix://")
    with Redis.from_url(url) as client:  # all that was in hand is acknowledged
        until(lambda: not client.hlen("unacked"))


def test_workers_and_clock_outlive_a_redis_that_is_away(
    distributed: Slow, system_redis: RedisServer
) -> None:
    site, pids = distributed.factory, distributed.pids()
    before, meanwhile = ([noise(start + n, 320) for n in range(6)] for start in (0, 50))
    ids = distributed.upload(before)
    until(lambda: distributed.running() >= len(before) // 2)
    system_redis.kill()
    ids += distributed.upload(meanwhile)
    time.sleep(AWAY_SECONDS)
    system_redis.start()
    site.wait_until_done(SECONDS)  # the clock tells of those that came meanwhile
    assert distributed.looked_at(before + meanwhile) == {1}
    assert distributed.attempts(ids) == {("succeeded", 1)}
    assert distributed.pids() == pids
