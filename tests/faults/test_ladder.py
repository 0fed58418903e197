"""A real worker whose backends are made to fail one after the other.

Nothing is lost, the next one takes over, one alert each, and up again when mended.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.factory import Factory, jpeg
from traceability.lib.programs import REPOSITORY

NAMES = ("cuda", "onnxruntime", "openvino")
PHOTO = jpeg((0, 64, 96), size=320)
SHAKY = Path(__file__).parent / "shaky"
SECONDS = 40.0
RULE = """
import django; django.setup()
from traceability.alerts.models import AlertKind, AlertRule
from traceability.catalog.models import Site
AlertRule.objects.create(site=Site.objects.get(), kind=AlertKind.DEGRADED)
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Plant:
    """A running site, orders for its backends, and what became of everything."""

    def __init__(self, factory: Factory, orders: Path) -> None:
        self.factory, self.orders = factory, orders
        self.uploaded: list[str] = []

    def break_(self, name: str, how: str) -> None:
        (self.orders / name).write_text(how)

    def mend(self) -> None:
        for order in self.orders.iterdir():
            order.unlink()

    def upload(self, count: int = 1) -> None:
        for _ in range(count):
            status, body = self.factory.upload(PHOTO)
            assert status in (201, 202)
            self.uploaded.append(body["id"])

    def stands_on(self) -> str:
        rows = self.factory.query("SELECT rung FROM inspection_device")
        return str(rows[0][0]) if rows else "not told"

    def wait_for(self, rung: str) -> None:
        until(lambda: self.stands_on() == rung, lambda: self.stands_on())

    def backends(self, ids: list[str]) -> Counter[str]:
        answers = [self.factory.inspection(pk) for pk in ids]
        assert {body["state"] for body in answers} == {"done"}
        assert all(len(body["defects"]) == 1 for body in answers)
        return Counter(body["backend"] for body in answers)

    def jobs(self) -> list[tuple[str, int]]:
        """State and attempts of the job of each upload."""
        sql = "SELECT arguments, state, attempts FROM jobs_job WHERE queue = 'inspect'"
        rows = self.factory.query(sql)
        of = {json.loads(text)["inspection"]: about for text, *about in rows}
        return [(of[pk][0], of[pk][1]) for pk in self.uploaded]

    def alerts(self) -> list[tuple[str, str, str]]:
        """Rung, reason and state of each, the oldest first."""
        sql = "SELECT details, state FROM alerts_alert ORDER BY raised_at"
        told = [(json.loads(text), state) for text, state in self.factory.query(sql)]
        return [(one["rung"], one["reason"], state) for one, state in told]

    def forget_alerts(self) -> None:
        self.factory.run(
            "import django; django.setup();"
            "from traceability.alerts.models import Alert; Alert.objects.all().delete()"
        )


def until(true: Callable[[], bool], say: Callable[[], Any] = lambda: "") -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end, say()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "orders").mkdir()
    environment = {
        "PYTHONPATH": f"{SHAKY}:{REPOSITORY}",
        "SHAKY": str(folder / "orders"),
        "CAUSELINE_BACKEND": ",".join(NAMES),
    }
    with Factory(folder, environment) as factory:
        factory.run(RULE)
        yield Plant(factory, folder / "orders")


@pytest.fixture
def plant(running: Plant) -> Iterator[Plant]:
    """All is well and no alert is there; in the end nothing was lost."""
    running.mend()
    running.wait_for("cuda")
    running.forget_alerts()
    running.uploaded.clear()
    yield running
    running.mend()
    running.factory.wait_until_done(SECONDS)
    running.backends(running.uploaded)
    assert {state for state, _ in running.jobs()} <= {"succeeded"}


class Traffic:
    """Uploads all the time, from a thread."""

    def __init__(self, plant: Plant) -> None:
        self._plant, self._over = plant, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._over.wait(0.05):
            self._plant.upload()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()


@pytest.mark.parametrize(
    ("name", "how", "reason"),
    [
        ("cuda", "oom", "OOM"),
        ("cuda", "error", "RUNTIME"),
        ("cuda", "nan", "RUNTIME"),
        ("cuda", "hang", "RUNTIME"),
        ("cuda", "lost", "RUNTIME"),
        ("onnxruntime", "bug", "RUNTIME"),
        ("onnxruntime", "lost", "RUNTIME"),
    ],
)
def test_failing_in_traffic(plant: Plant, name: str, how: str, reason: str) -> None:
    below = NAMES[NAMES.index(name) + 1]
    expected = [(name, reason, "closed")]
    with Traffic(plant):
        if name != "cuda":
            plant.break_("cuda", "error")
            plant.wait_for(name)
            expected.insert(0, ("cuda", "RUNTIME", "closed"))
        plant.break_(name, how)
        plant.wait_for(below)
        time.sleep(0.5)
        plant.mend()
        plant.wait_for("cuda")
        time.sleep(0.5)
    plant.factory.wait_until_done(SECONDS)
    seen = plant.backends(plant.uploaded)
    assert seen[below] > 0
    assert seen["cuda"] > 0
    until(lambda: plant.alerts() == expected, plant.alerts)


@pytest.mark.parametrize("how", ["load", "warm-up", "wrong"])
@pytest.mark.parametrize("name", NAMES[:2])
def test_failing_at_the_start(plant: Plant, name: str, how: str) -> None:
    broken = NAMES[: NAMES.index(name) + 1]
    for one in broken:
        plant.break_(one, how)
    plant.factory.group.restart("inspect")
    below = NAMES[len(broken)]
    plant.wait_for(below)
    plant.upload(5)
    plant.factory.wait_until_done(SECONDS)
    assert plant.backends(plant.uploaded) == {below: 5}
    reason = "LOAD" if how == "load" else "WARMUP"
    expected = [(one, reason, "open") for one in broken]
    until(lambda: sorted(plant.alerts()) == sorted(expected), plant.alerts)
    plant.mend()
    plant.wait_for("cuda")
    plant.upload(5)
    plant.factory.wait_until_done(SECONDS)
    assert plant.backends(plant.uploaded) == {below: 5, "cuda": 5}
    until(lambda: {state for *_, state in plant.alerts()} == {"closed"}, plant.alerts)


def test_when_the_last_one_fails_photos_wait(plant: Plant) -> None:
    plant.upload(3)
    plant.factory.wait_until_done(SECONDS)
    for name in NAMES:
        plant.break_(name, "error")
    plant.upload(5)
    plant.wait_for("")
    plant.upload(5)
    time.sleep(1)
    assert plant.factory.open_jobs() == 10
    assert {rung for rung, *_ in plant.alerts()} == set(NAMES)
    plant.mend()
    plant.wait_for("cuda")
    plant.factory.wait_until_done(SECONDS)
    assert {attempts for _, attempts in plant.jobs()} == {1}


def test_a_worker_that_finds_nothing_at_the_start_tells_and_tries_on(
    plant: Plant,
) -> None:
    for name in NAMES:
        plant.break_(name, "load")
    plant.upload(3)
    plant.factory.wait_until_done(SECONDS)
    plant.factory.kill("inspect")
    plant.wait_for("")
    plant.upload(3)
    until(lambda: {rung for rung, *_ in plant.alerts()} == set(NAMES), plant.alerts)
    plant.mend()
    plant.wait_for("cuda")


def test_a_warm_stop_while_a_rung_is_down_loses_nothing(plant: Plant) -> None:
    with Traffic(plant):
        plant.break_("cuda", "error")
        plant.wait_for("onnxruntime")
        plant.factory.group.restart("inspect")
    plant.factory.wait_until_done(SECONDS)
    assert {attempts for _, attempts in plant.jobs()} == {1}
