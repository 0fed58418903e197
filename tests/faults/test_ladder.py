"""A real worker on the product's own ladder, each rung of which is made to fail while
it loads, while it warms up, and in traffic.

Nothing is lost, the next one takes over within the batch, one alert each, and up again
when mended. TensorRT's and CUDA's parts are played by ONNX Runtime on the CPU.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import pytest

from tests.faults.ladder_site import (
    BEST,
    LAST,
    NAMES,
    SECONDS,
    Plant,
    Traffic,
    backend,
    site,
    until,
    well,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with site(tmp_path_factory.mktemp("site")) as plant:
        yield plant


@pytest.fixture
def plant(running: Plant) -> Iterator[Plant]:
    with well(running):
        yield running


@pytest.mark.parametrize(
    ("name", "how", "reason"),
    [
        ("tensorrt", "oom", "OOM"),
        ("tensorrt", "hang", "RUNTIME"),
        ("tensorrt", "lost", "RUNTIME"),
        ("tensorrt-previous", "error", "RUNTIME"),
        ("cuda", "nan", "RUNTIME"),
        ("cuda", "lost", "RUNTIME"),
    ],
)
def test_failing_in_traffic(plant: Plant, name: str, how: str, reason: str) -> None:
    above, below = NAMES[: NAMES.index(name)], NAMES[NAMES.index(name) + 1]
    with Traffic(plant):
        for one, next_one in pairwise((*above, name)):
            plant.break_(one, "error")
            plant.wait_for(next_one)
        plant.break_(name, how)
        plant.wait_for(below)
        time.sleep(0.5)
        plant.mend()
        plant.wait_for(BEST)
        time.sleep(0.5)
    plant.factory.wait_until_done(SECONDS)
    seen = plant.backends(plant.uploaded)
    assert seen[backend(below)] > 0
    assert seen[backend(BEST)] > 0
    if how not in ("hang", "lost"):  # those take the process along
        assert plant.attempts() == {1}
    expected = [*((one, "RUNTIME", "closed") for one in above)]
    expected.append((name, reason, "closed"))
    until(lambda: plant.alerts() == expected, plant.alerts)


@pytest.mark.parametrize("how", ["load", "warm-up"])
@pytest.mark.parametrize("name", NAMES[1:-1])
def test_the_next_one_failing_to_come_up_in_the_middle_of_a_batch(
    plant: Plant, name: str, how: str
) -> None:
    below = NAMES[NAMES.index(name) + 1]
    with Traffic(plant):
        for one in NAMES[1 : NAMES.index(name) + 1]:
            plant.break_(one, how)
        plant.break_(BEST, "error")
        plant.wait_for(below)
        plant.mend()
        plant.wait_for(BEST)
    plant.factory.wait_until_done(SECONDS)
    assert plant.attempts() == {1}
    assert plant.backends(plant.uploaded)[backend(below)] > 0
    told = [(rung, reason) for rung, reason, _ in plant.alerts()]
    assert (name, {"load": "LOAD", "warm-up": "WARMUP"}[how]) in told
    assert len(told) == len(set(told)) == NAMES.index(name) + 1
    until(lambda: {state for *_, state in plant.alerts()} == {"closed"}, plant.alerts)


@pytest.mark.parametrize("how", ["load", "warm-up"])
@pytest.mark.parametrize("name", NAMES[:-1])
def test_failing_at_the_start(plant: Plant, name: str, how: str) -> None:
    broken = NAMES[: NAMES.index(name) + 1]
    for one in broken:
        plant.break_(one, how)
    plant.factory.group.restart("inspect")
    below = NAMES[len(broken)]
    plant.wait_for(below)
    plant.upload(5)
    plant.factory.wait_until_done(SECONDS)
    assert plant.backends(plant.uploaded) == {backend(below): 5}
    reason = "LOAD" if how == "load" else "WARMUP"
    expected = [(one, reason, "open") for one in broken]
    until(lambda: sorted(plant.alerts()) == sorted(expected), plant.alerts)
    plant.mend()
    plant.wait_for(BEST)
    plant.upload(5)
    plant.factory.wait_until_done(SECONDS)
    assert plant.backends(plant.uploaded[5:]) == {backend(BEST): 5}
    until(lambda: {state for *_, state in plant.alerts()} == {"closed"}, plant.alerts)


@pytest.mark.parametrize("how", ["load", "warm-up"])
def test_when_the_last_one_fails_at_the_start_too_photos_wait(
    plant: Plant, how: str
) -> None:
    for name in NAMES:
        plant.break_(name, how)
    plant.factory.kill("inspect")
    plant.wait_for("")
    plant.upload(3)
    until(lambda: {rung for rung, *_ in plant.alerts()} == set(NAMES), plant.alerts)
    assert len(plant.alerts()) == len(NAMES)
    assert plant.factory.open_jobs() == 3
    plant.mend()
    plant.wait_for(BEST)
    plant.factory.wait_until_done(SECONDS)
    assert plant.attempts() == {1}


@pytest.mark.parametrize("how", ["error", "oom", "nan"])
def test_when_the_last_one_fails_in_traffic_photos_wait(plant: Plant, how: str) -> None:
    for name in NAMES[:-1]:
        plant.break_(name, "error")
    with Traffic(plant):
        plant.wait_for(LAST)
        plant.break_(LAST, how)
        plant.wait_for("")
        time.sleep(0.5)
        assert plant.factory.open_jobs()
        until(lambda: {rung for rung, *_ in plant.alerts()} == set(NAMES), plant.alerts)
        plant.mend()
        plant.wait_for(BEST)
    plant.factory.wait_until_done(SECONDS)
    assert plant.attempts() == {1}
    until(lambda: {state for *_, state in plant.alerts()} == {"closed"}, plant.alerts)
    assert len(plant.alerts()) == len(NAMES)


@pytest.mark.parametrize("how", ["hang", "lost"])
def test_the_last_one_taking_the_process_along_is_begun_anew(
    plant: Plant, how: str
) -> None:
    for name in NAMES[:-1]:
        plant.break_(name, "error")
    plant.upload()
    plant.wait_for(LAST)
    pid = plant.factory.pid("inspect")
    plant.break_(LAST, how)
    plant.upload(3)
    until(lambda: plant.factory.pid("inspect") not in (0, pid))
    plant.mend()
    plant.wait_for(BEST)
    plant.factory.wait_until_done(SECONDS)


def test_a_warm_stop_while_a_rung_is_down_loses_nothing(plant: Plant) -> None:
    with Traffic(plant):
        plant.break_(BEST, "error")
        plant.wait_for(NAMES[1])
        plant.factory.group.restart("inspect")
    plant.factory.wait_until_done(SECONDS)
    assert plant.attempts() == {1}


def test_a_photo_that_hangs_every_device_is_quarantined_at_the_third_try(
    plant: Plant,
) -> None:
    pids = {plant.factory.pid("inspect")}
    white = np.full((320, 320, 3), 255, np.uint8)
    photo = cv2.imencode(".png", white)[1].tobytes()
    status, body = plant.factory.upload(photo)
    assert status == 202
    plant.upload(5)

    def given_up() -> bool:
        pids.add(plant.factory.pid("inspect"))
        return plant.factory.inspection(body["id"])["state"] != "pending"

    until(given_up, seconds=120)
    about = plant.factory.inspection(body["id"])
    assert (about["state"], about["error_code"]) == ("failed", "worker_lost")
    assert len(pids - {0}) == 3  # two workers hung, and a process apart
    plant.wait_for(BEST)
    plant.upload()
