"""What was accepted is inspected, each photo once, whatever dies meanwhile."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factory import Factory, jpeg

UPLOADS = 300
KILLS = 5
CLIENTS = 4
RECOVERY_SECONDS = 30
# One red square, so one defect an inspection; small, to load the machine little.
PHOTO = jpeg((0, 64, 96), size=320)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Cameras:
    """Clients that upload until all photos are in, at a steady pace."""

    def __init__(self, factory: Factory, pace_seconds: float) -> None:
        self.factory, self.pace_seconds = factory, pace_seconds
        self.answers: list[tuple[int, str]] = []
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (number := next(self._numbers)) < UPLOADS:
            status, body = self.factory.upload(PHOTO, external_id=f"photo-{number}")
            self.answers.append((status, body.get("id", str(body))))
            time.sleep(self.pace_seconds)


@pytest.fixture(
    params=["embedded", pytest.param("services", marks=pytest.mark.service)]
)
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Factory]:
    """SQLite with the embedded Redis; PostgreSQL with a system Redis."""
    environment = {}
    if request.param == "services":
        environment = {
            "CAUSELINE_DATABASE_URL": request.getfixturevalue("postgres"),
            "CAUSELINE_REDIS_URL": request.getfixturevalue("system_redis").url,
        }
    with Factory(tmp_path, environment) as running:
        yield running


def done(factory: Factory) -> int:
    return factory.counts("inspection_inspection").get("done", 0)


def wait_for_progress(factory: Factory, since: int) -> None:
    end = time.monotonic() + 30
    while done(factory) == since and time.monotonic() < end:
        time.sleep(0.05)


def test_kill_9_of_worker_and_redis(
    factory: Factory, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(request.node.name)
    cameras = Cameras(factory, pace_seconds=0.1)
    cameras.start()
    redis_turn = chance.randrange(KILLS)
    for turn in range(KILLS):
        wait_for_progress(factory, since=done(factory))
        time.sleep(chance.uniform(0, 1))
        if turn == redis_turn:
            kill_redis(factory, request)
        old = factory.kill("inspect")
        factory.wait_until_restarted("inspect", old)
    restarted = time.monotonic()
    cameras.join()
    uploaded = time.monotonic()
    factory.wait_until_done(RECOVERY_SECONDS)
    print(
        f"\nfinished {time.monotonic() - restarted:.1f} s after the last restart, "
        f"{time.monotonic() - uploaded:.1f} s after the last upload"
    )
    check_ledger(factory, cameras.answers)


def kill_redis(factory: Factory, request: pytest.FixtureRequest) -> None:
    if any(program.name == "redis" for program in factory.group.programs):
        factory.wait_until_restarted("redis", factory.kill("redis"))
    else:
        server = request.getfixturevalue("system_redis")
        server.kill()
        server.start()


def check_ledger(factory: Factory, answers: list[tuple[int, str]]) -> None:
    """accepted == finished + quarantined, each exactly once."""
    assert {status for status, _ in answers} <= {201, 202}
    accepted = {pk.replace("-", "") for _, pk in answers}
    assert len(accepted) == len(answers) == UPLOADS
    assert factory.counts("inspection_inspection") == {"done": UPLOADS}
    jobs = factory.query("SELECT state FROM jobs_job WHERE queue = 'inspect'")
    assert [state for (state,) in jobs] == ["succeeded"] * UPLOADS
    finished = factory.query(
        "SELECT inspection_id, count(*) FROM inspection_defect GROUP BY inspection_id"
    )
    assert {str(pk).replace("-", "") for pk, _ in finished} == accepted
    assert {count for _, count in finished} == {1}
    told = "SELECT count(*) FROM outbox_event WHERE kind = 'inspection.finished'"
    assert factory.query(told) == [(UPLOADS,)]
