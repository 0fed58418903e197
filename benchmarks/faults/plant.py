"""A site under test with services of its own, and what can be done to it."""

from __future__ import annotations

import itertools
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.cameras import Cameras, Shot
from benchmarks.faults.postgres import PostgresServer, postgres_server
from tests.factory import Factory
from tests.services import RedisServer, system_redis
from traceability.lib.programs import REPOSITORY

SITES = ("embedded", "postgres")
POISON = REPOSITORY / "tests" / "faults" / "poison"
# A service that is restarted is away for up to so long.
AWAY_SECONDS = 2.0
RESTARTED_SECONDS = 60.0
POISON_SECONDS = 180.0
LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Plant:
    """A running site; `redis` and `postgres` are None where they are embedded."""

    factory: Factory
    deaths: Path
    redis: RedisServer | None = None
    postgres: PostgresServer | None = None

    def poison_deaths(self) -> int:
        """How many processes have died of a photo."""
        return len(self.deaths.read_text().split()) if self.deaths.exists() else 0


@contextmanager
def plant(site: str, folder: Path) -> Iterator[Plant]:
    """`embedded`: SQLite and the bundled Redis; `postgres`: with a system Redis."""
    deaths = folder / "deaths"
    environment = {
        "PYTHONPATH": f"{POISON}:{REPOSITORY}",
        "POISON_DEATHS": str(deaths),
        "CAUSELINE_LOG_LEVEL": "WARNING",
    }
    with ExitStack() as stack:
        redis = postgres = None
        if site == "postgres":
            (folder / "redis").mkdir()
            redis = stack.enter_context(system_redis(folder / "redis"))
            postgres = stack.enter_context(postgres_server())
            environment["CAUSELINE_REDIS_URL"] = redis.url
            environment["CAUSELINE_DATABASE_URL"] = postgres.url
        factory = stack.enter_context(Factory(folder, environment))
        yield Plant(factory, deaths, redis, postgres)


@dataclass(frozen=True)
class Strike:
    """Something to do to a plant under load; returns when all is started again."""

    kind: str
    do: Callable[[], object]


@dataclass(frozen=True)
class Strikes:
    """All that can go wrong, at random instants."""

    plant: Plant
    cameras: Cameras
    chance: random.Random

    def kill(self, name: str) -> Strike:
        return Strike(f"{name} -9", lambda: self._end(name, signal.SIGKILL))

    def restarts_of_redis(self, count: int) -> list[Strike]:
        """Killed and ended in order, in turn."""
        how = itertools.cycle([signal.SIGKILL, signal.SIGTERM])
        return [
            Strike(f"redis {number.name}", lambda number=number: self._redis(number))
            for number in itertools.islice(how, count)
        ]

    def restarts_of_postgres(self, count: int) -> list[Strike]:
        """Crashed and ended in order, in turn."""
        how = itertools.cycle(["immediate", "fast"])
        return [
            Strike(f"postgres {mode}", lambda mode=mode: self._postgres(mode))
            for mode in itertools.islice(how, count)
        ]

    def poison(self) -> Strike:
        return Strike("poison", self._poison)

    def _poison(self) -> None:
        """Waits until it is in quarantine: no other fault may kill who looks at it."""
        shot = self.cameras.take(poison=True)
        give_up = time.monotonic() + POISON_SECONDS
        while time.monotonic() < give_up and not self._has_failed(shot):
            time.sleep(LOOK_SECONDS)

    def _has_failed(self, shot: Shot) -> bool:
        sql = f"""SELECT count(*) FROM inspection_inspection i JOIN inspection_image m
            ON m.id = i.image_id
            WHERE m.idempotency_key = '{shot.key}' AND i.state = 'failed'"""  # noqa: S608
        return bool(self.plant.factory.query(sql)[0][0])

    def _end(self, name: str, number: int) -> None:
        old = self.plant.factory.kill(name, number)
        self.plant.factory.wait_until_restarted(name, old, RESTARTED_SECONDS)

    def _redis(self, number: int) -> None:
        server = self.plant.redis
        if server is None:
            self._end("redis", number)
            return
        server.stop(number)
        self._stay_away()
        server.start()

    def _postgres(self, mode: str) -> None:
        server = self.plant.postgres
        if server is None:
            raise SystemExit("There is no PostgreSQL to restart: --site postgres")
        server.stop(mode)
        self._stay_away()
        server.start()

    def _stay_away(self) -> None:
        time.sleep(self.chance.uniform(0, AWAY_SECONDS))
