"""A site whose worker stands on the product's own ladder, with orders for its backends.

TensorRT's and CUDA's parts are played by ONNX Runtime on the CPU.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.factory import Factory, jpeg
from traceability.lib.programs import REPOSITORY, log_file

NAMES = ("tensorrt", "tensorrt-previous", "cuda", "openvino")
BEST, LAST = NAMES[0], NAMES[-1]
PHOTO = jpeg((0, 64, 96), size=320)
SHAKY = Path(__file__).parent / "shaky"
SECONDS = 40.0
RULE = """
import django; django.setup()
from traceability.alerts.models import AlertKind, AlertRule
from traceability.catalog.models import Site
AlertRule.objects.create(site=Site.objects.get(), kind=AlertKind.DEGRADED)
"""
BUILD = """
from inference_worker.engine.api import data_folder
from tests.ladder.built import build
build(data_folder()), build(data_folder())
"""


class Plant:
    """A running site, orders for its backends, and what became of everything."""

    def __init__(self, factory: Factory, orders: Path) -> None:
        self.factory, self.orders = factory, orders
        self.uploaded: list[str] = []

    def break_(self, name: str, how: str) -> None:
        """In one step: a rung that reads it meanwhile is well or broken."""
        draft = self.orders / f".{name}"
        draft.write_text(how)
        draft.replace(self.orders / name)

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

    def attempts(self) -> set[int]:
        return {attempts for _, attempts in self.jobs()}

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


def backend(rung: str) -> str:
    return rung.removesuffix("-previous")


def until(
    true: Callable[[], bool],
    say: Callable[[], Any] = lambda: "",
    seconds: float = SECONDS,
) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, say()
        time.sleep(0.1)


@contextmanager
def site(folder: Path) -> Iterator[Plant]:
    (folder / "orders").mkdir()
    environment = {
        "PYTHONPATH": f"{SHAKY}:{REPOSITORY}",
        "SHAKY": str(folder / "orders"),
        "CAUSELINE_BACKEND": "tensorrt,cuda,openvino",
    }
    with Factory(folder, environment) as factory:
        factory.run(RULE)
        factory.run(BUILD)
        factory.group.restart("inspect")
        yield Plant(factory, folder / "orders")
    told = log_file(factory.group.data, "supervisord").read_text()
    assert "SIGSEGV" not in told


@contextmanager
def well(plant: Plant) -> Iterator[None]:
    """All is well and no alert is there; in the end nothing was lost."""
    plant.mend()
    plant.wait_for(BEST)
    plant.forget_alerts()
    plant.uploaded.clear()
    yield
    plant.mend()
    plant.factory.wait_until_done(SECONDS)
    plant.backends(plant.uploaded)
    assert {state for state, _ in plant.jobs()} <= {"succeeded"}


class Traffic:
    """Uploads all the time, from a thread; what is refused is raised at the end."""

    def __init__(self, plant: Plant) -> None:
        self._plant, self._over = plant, threading.Event()
        self._refused = list[BaseException]()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            while not self._over.wait(0.05):
                self._plant.upload()
        except BaseException as error:  # else nobody would hear of it
            self._refused.append(error)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()
        if self._refused:
            raise self._refused[0]
