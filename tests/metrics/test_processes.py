"""Real processes: what they count, and the trace of a photo through their logs."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.factory import Factory, jpeg
from tests.metrics.scrape import Figures, scrape, total, value
from tests.services import free_port

DEFECTIVE, CLEAN = jpeg((0, 64, 96), size=320), jpeg(size=320)
WEB_STAGES = ("receive", "check", "store", "enter", "wake", "answer")
WORKER_STAGES = ("queue", "decode", "wait", "infer", "write", "commit")
ROUTE = "api/v1/inspections/"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Plant:
    def __init__(self, factory: Factory) -> None:
        self.factory, data = factory, factory.group.data
        self.token = (data / "keys" / "causeline_metrics_token").read_text()
        port = factory.group.environment["CAUSELINE_METRICS_PORT"]
        self.worker_url = f"http://127.0.0.1:{port}/metrics"
        self.web_url = f"{factory.group.url}/metrics"

    def web(self) -> Figures:
        return scrape(self.web_url, self.token)

    def worker(self) -> Figures:
        return scrape(self.worker_url, self.token)

    def upload(self, photo: bytes, traceparent: str = "") -> dict[str, object]:
        status, body = self.factory.upload(photo, wait=10, traceparent=traceparent)
        assert status == 201
        return body

    def log(self, name: str) -> list[str]:
        path: Path = self.factory.group.data / "logs" / f"{name}.log"
        return path.read_text().splitlines()


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("site")
    with Factory(folder, {"CAUSELINE_METRICS_PORT": str(free_port())}) as factory:
        yield Plant(factory)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_counts_rise_by_exactly_what_was_sent(plant: Plant) -> None:
    web, worker = plant.web(), plant.worker()
    for photo in [DEFECTIVE] * 3 + [CLEAN] * 2:
        plant.upload(photo)
    # A result is committed, and its upload answered, a moment before it is counted.
    name = "causeline_inspection_seconds_count"
    until(lambda: value(plant.worker(), name) >= value(worker, name) + 5)
    web_now, worker_now = plant.web(), plant.worker()

    def rise(name: str, **labels: str) -> tuple[float, float]:
        return (
            value(web_now, name, **labels) - value(web, name, **labels),
            value(worker_now, name, **labels) - value(worker, name, **labels),
        )

    stage = "causeline_stage_seconds_count"
    assert {one: rise(stage, stage=one) for one in WEB_STAGES + WORKER_STAGES} == {
        **dict.fromkeys(WEB_STAGES, (5, 0)),
        **dict.fromkeys(WORKER_STAGES, (0, 5)),
    }
    answered = {"method": "POST", "route": ROUTE, "status": "201"}
    assert rise("causeline_http_requests_total", **answered) == (5, 0)
    assert rise("causeline_waits_total", outcome="woken") == (5, 0)
    looked = {"backend": "openvino", "model": "toy", "version": "1"}
    ended = "causeline_inspections_total"
    assert rise(ended, outcome="defective", **looked) == (0, 3)
    assert rise(ended, outcome="clean", **looked) == (0, 2)
    assert total(worker_now, ended) - total(worker, ended) == 5
    assert rise("causeline_batch_photos_sum") == (0, 5)
    assert rise("causeline_inspection_seconds_count") == (0, 5)


def test_a_photo_that_fails_is_counted_by_its_code(plant: Plant) -> None:
    before = plant.worker()
    plant.factory.kill("inspect", signal.SIGSTOP)
    status, body = plant.factory.upload(DEFECTIVE)
    assert status == 202
    for path in (plant.factory.group.data / "media").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:2000])
    plant.factory.kill("inspect", signal.SIGCONT)
    plant.factory.wait_until_done(30)
    name, code = "causeline_inspection_errors_total", "image_unreadable"
    until(lambda: value(plant.worker(), name, code=code) == 1)
    ended = {"outcome": "failed", "backend": "", "model": "", "version": ""}
    after = plant.worker()
    assert value(after, "causeline_inspections_total", **ended) == 1
    assert value(before, "causeline_inspections_total", **ended) == 0
    (line,) = [one for one in plant.log("inspect") if "image_unreadable" in one]
    assert str(body["trace_id"]) in line


def test_a_photo_is_followed_by_the_trace_of_its_sender(plant: Plant) -> None:
    trace = uuid.uuid4().hex
    body = plant.upload(DEFECTIVE, f"00-{trace}-{uuid.uuid4().hex[:16]}-01")
    pk = str(body["id"])
    assert body["trace_id"] == trace
    assert plant.factory.inspection(pk)["trace_id"] == trace
    until(lambda: any(pk in line for line in plant.log("inspect")))
    for name, event in (("web", "accepted"), ("inspect", "ended")):
        lines = [line for line in plant.log(name) if trace in line]
        assert len([line for line in lines if f"inspection.{event}" in line]) == 1
        assert lines == [line for line in plant.log(name) if pk in line]
    until(lambda: trace in payloads(plant.factory, pk))


def payloads(factory: Factory, pk: str) -> set[str]:
    """The traces of the events about an inspection."""
    found = [
        json.loads(text)
        for (text,) in factory.query("SELECT payload FROM outbox_event")
    ]
    return {one["trace_id"] for one in found if one.get("inspection") == pk}


def test_without_a_sender_s_trace_one_is_made(plant: Plant) -> None:
    one, other = plant.upload(CLEAN), plant.upload(CLEAN, "00-nonsense")
    assert uuid.UUID(str(one["trace_id"])) != uuid.UUID(str(other["trace_id"]))


def test_how_things_stand(plant: Plant) -> None:
    plant.upload(CLEAN)
    web, worker = plant.web(), plant.worker()
    assert value(worker, "causeline_ladder_rung", rung="openvino") == 1
    assert value(worker, "causeline_ladder_place") == 0
    assert value(worker, "process_resident_memory_bytes") > 2**20
    assert value(web, "causeline_database_up") == 1
    assert value(web, "causeline_alerts_raised_total", kind="degraded") == 0
    assert value(web, "causeline_waiting_requests") == 0
    assert ("causeline_outbox_waiting", frozenset({("what", "events")})) in web


def test_what_waits_is_seen_while_the_worker_stands_still(plant: Plant) -> None:
    plant.factory.kill("inspect", signal.SIGSTOP)
    try:
        for _ in range(3):
            plant.factory.upload(CLEAN)
        web = plant.web()
    finally:
        plant.factory.kill("inspect", signal.SIGCONT)
    assert value(web, "causeline_jobs", queue="inspect", state="pending") == 3
    assert value(web, "causeline_jobs_oldest_due_seconds", queue="inspect") > 0
    plant.factory.wait_until_done(30)


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Api-Key {key}"])
def test_nobody_reads_without_the_token(plant: Plant, authorization: str) -> None:
    headers = {"Authorization": authorization.format(key=plant.factory.key)}
    for url in (plant.web_url, plant.worker_url):
        request = urllib.request.Request(url, headers=headers)  # noqa: S310
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)  # noqa: S310
        assert refused.value.code == 401
        assert b"causeline_metrics_token" in refused.value.read()
        refused.value.close()


def test_counts_outlive_a_web_process_and_not_the_server(plant: Plant) -> None:
    name, stage = "causeline_stage_seconds_count", "store"
    counted = value(plant.web(), name, stage=stage)
    assert counted > 0
    (process,) = psutil.Process(plant.factory.pid("web")).children()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(20)
    until(lambda: answers(plant))
    plant.upload(CLEAN)
    assert value(plant.web(), name, stage=stage) == counted + 1
    plant.factory.group.restart("web")
    until(lambda: answers(plant))
    assert value(plant.web(), name, stage=stage) == 0


def answers(plant: Plant) -> bool:
    try:
        plant.web()
    except (OSError, urllib.error.URLError):
        return False
    return True
