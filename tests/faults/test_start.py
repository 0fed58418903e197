"""A worker that starts looks at photos at once, whatever its best rung is about."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.faults.ladder_site import (
    BEST,
    LAST,
    NAMES,
    Plant,
    Traffic,
    backend,
    site,
    until,
    well,
)

RECOVERED_SECONDS = 20.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with site(tmp_path_factory.mktemp("site")) as plant:
        yield plant


@pytest.fixture
def plant(running: Plant) -> Iterator[Plant]:
    with well(running):
        yield running


def test_after_a_kill_photos_do_not_wait_for_the_best_rung(plant: Plant) -> None:
    plant.break_(BEST, "stuck")
    plant.factory.kill("inspect")
    plant.upload(3)
    plant.factory.wait_until_done(RECOVERED_SECONDS)
    assert plant.backends(plant.uploaded) == {LAST: 3}
    assert plant.stands_on() == LAST
    plant.mend()
    plant.wait_for(BEST)
    plant.upload(3)
    plant.factory.wait_until_done(RECOVERED_SECONDS)
    assert plant.backends(plant.uploaded[3:]) == {backend(BEST): 3}
    assert plant.alerts() == []
    assert plant.attempts() == {1}


def test_it_stops_and_starts_in_the_middle_of_the_way_up(plant: Plant) -> None:
    plant.break_(BEST, "stuck")
    with Traffic(plant):
        for _ in range(3):
            plant.factory.group.restart("inspect")
    plant.factory.wait_until_done(RECOVERED_SECONDS)
    assert set(plant.backends(plant.uploaded)) <= {LAST, backend(BEST)}
    assert plant.attempts() == {1}
    plant.mend()
    plant.wait_for(BEST)
    assert plant.alerts() == []


def test_who_is_told_to_stop_while_a_rung_comes_up_was_not_killed_by_it(
    plant: Plant,
) -> None:
    """Else photos would wait: nothing holds where the last rung is blamed."""
    plant.break_(LAST, "stuck")
    for _ in range(3):
        plant.factory.group.restart("inspect")
        until(lambda: deaths_of(plant, LAST) > 0)  # it comes up
    assert deaths_of(plant, LAST) == 1
    plant.break_(BEST, "stuck")
    plant.factory.group.restart("inspect")
    (plant.orders / LAST).unlink()
    plant.upload(3)
    plant.factory.wait_until_done(RECOVERED_SECONDS)
    assert plant.backends(plant.uploaded) == {LAST: 3}
    assert plant.attempts() == {1}
    assert plant.alerts() == []


def test_a_rung_that_kills_the_process_on_the_way_up_is_blamed_for_it(
    plant: Plant,
) -> None:
    plant.break_(BEST, "die")
    pids = {plant.factory.kill("inspect")}

    def told() -> bool:
        pids.add(plant.factory.pid("inspect"))
        return bool(plant.alerts())

    with Traffic(plant):
        until(told)
        plant.wait_for(NAMES[1])
    assert plant.alerts() == [(BEST, "LOAD", "open")]
    assert len(pids - {0}) <= 4  # the one before, two that died of it, and this one
    plant.mend()
    plant.wait_for(BEST)
    until(lambda: plant.alerts() == [(BEST, "LOAD", "closed")], plant.alerts)


@pytest.mark.parametrize("age", [0, 3])
def test_what_tries_a_rung_apart_ends_with_the_worker(plant: Plant, age: int) -> None:
    """Else it would fill the card beside the next one. One that has just begun too."""
    plant.break_(BEST, "error")
    plant.upload()
    plant.wait_for(NAMES[1])
    plant.break_(BEST, "stuck")
    worker = psutil.Process(plant.factory.pid("inspect"))
    until(lambda: bool(trials_of(worker)))
    (trial,) = trials_of(worker)
    until(lambda: time.time() - trial.create_time() >= age)
    plant.factory.kill("inspect")
    until(lambda: not lives(trial), seconds=5)


def deaths_of(plant: Plant, rung: str) -> int:
    """How many processes have begun to bring it up and not come to an end."""
    (record,) = (plant.factory.group.data / "run").glob("ladder-*.json")
    return int(json.loads(record.read_text())[rung]["deaths"])


def trials_of(worker: psutil.Process) -> list[psutil.Process]:
    return [one for one in worker.children() if _is_trial(one)]


def _is_trial(process: psutil.Process) -> bool:
    try:
        return "inference_worker.ladder.trial" in process.cmdline()
    except psutil.NoSuchProcess:  # it ends just now
        return False


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
