"""One site of real processes, and what it does when things go wrong."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.factory import Factory, jpeg, noise
from tests.services import free_port
from traceability.lib.processes import ProcessGroup, ServeError
from traceability.lib.programs import REPOSITORY

PHOTO = jpeg((0, 64, 96), (2, 320, 320))
POISON = Path(__file__).parent / "poison"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    path = f"{POISON}:{REPOSITORY}"
    with Factory(tmp_path_factory.mktemp("site"), {"PYTHONPATH": path}) as running:
        yield running


@pytest.fixture
def held_back(site: Factory) -> Iterator[Factory]:
    """The inspect worker stands still until the test lets it go on."""
    site.kill("inspect", signal.SIGSTOP)
    yield site
    site.kill("inspect", signal.SIGCONT)


def upload_all(site: Factory, photos: list[bytes]) -> list[str]:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(site.upload, photos))
    assert {status for status, _ in answers} <= {201, 202}
    return [body["id"] for _, body in answers]


def media_file(site: Factory, pk: str) -> Path:
    sql = (
        "SELECT file FROM inspection_image JOIN inspection_inspection i "  # noqa: S608
        f"ON i.image_id = inspection_image.id WHERE i.id = '{pk.replace('-', '')}'"
    )
    return site.group.data / "media" / site.query(sql)[0][0]


def job_of(site: Factory, pk: str) -> dict[str, Any]:
    sql = (
        "SELECT state, attempts, error_code FROM jobs_job "  # noqa: S608
        f"WHERE arguments LIKE '%{pk}%'"
    )
    ((state, attempts, code),) = site.query(sql)
    return {"state": state, "attempts": attempts, "code": code}


def test_an_upload_is_answered_with_its_result(site: Factory) -> None:
    status, body = site.upload(PHOTO, wait=10)
    assert status == 201
    assert body["state"] == "done"
    boxes = sorted((found["category"], found["bbox"]) for found in body["defects"])
    assert boxes == [("blue", [320, 320, 32, 32]), ("red", [64, 96, 32, 32])]
    way_in = {"receive", "check", "store"}
    way_out = {"queue", "decode", "wait", "infer", "write"}
    assert set(body["timings_ms"]) == way_in | way_out
    assert (body["backend"], body["attempt"]) == ("openvino", 1)


def test_the_web_process_loads_neither_engine_nor_analysis(site: Factory) -> None:
    web = psutil.Process(site.pid("web"))
    loaded = [
        mapping.path
        for process in [web, *web.children(recursive=True)]
        for mapping in process.memory_maps()
    ]
    assert not [path for path in loaded if "openvino" in path or "sklearn" in path]


def test_damage_on_disk_fails_at_once_and_is_not_tried_again(
    held_back: Factory,
) -> None:
    (pk,) = upload_all(held_back, [PHOTO])
    path = media_file(held_back, pk)
    path.write_bytes(path.read_bytes()[:2000])
    held_back.kill("inspect", signal.SIGCONT)
    held_back.wait_until_done(20)
    body = held_back.inspection(pk)
    assert (body["state"], body["error_code"]) == ("failed", "image_unreadable")
    expected = {"state": "failed", "attempts": 1, "code": "image_unreadable"}
    assert job_of(held_back, pk) == expected


def test_a_missing_file_is_tried_three_times_then_quarantined(
    held_back: Factory,
) -> None:
    (pk,) = upload_all(held_back, [PHOTO])
    media_file(held_back, pk).unlink()
    held_back.kill("inspect", signal.SIGCONT)
    held_back.wait_until_done(30)
    expected = {"state": "quarantined", "attempts": 3, "code": "image_missing"}
    assert job_of(held_back, pk) == expected
    assert held_back.inspection(pk)["state"] == "failed"


def test_poison_kills_three_processes_and_harms_nobody_else(site: Factory) -> None:
    photos = [noise(n, 320) for n in range(40)]
    photos[10] += b"KILL"
    pids = {site.pid("inspect")}
    ids = upload_all(site, photos)
    poisoned = ids.pop(10)
    end = time.monotonic() + 60
    while site.open_jobs() and time.monotonic() < end:
        pids.add(site.pid("inspect"))
        time.sleep(0.05)
    assert job_of(site, poisoned)["state"] == "quarantined"
    assert job_of(site, poisoned)["code"] == "worker_lost"
    assert {site.inspection(pk)["state"] for pk in ids} == {"done"}
    assert len(pids - {0}) == 3  # two workers died of it, and a process apart
    failed = time.monotonic() + 10  # the outbox tells the inspection
    while site.inspection(poisoned)["state"] == "pending":
        assert time.monotonic() < failed
        time.sleep(0.2)
    assert site.inspection(poisoned)["error_code"] == "worker_lost"


def test_a_warm_restart_costs_no_attempt(site: Factory) -> None:
    ids = upload_all(site, [noise(n, 320) for n in range(60)])
    site.group.restart("inspect")
    site.wait_until_done(40)
    assert {job_of(site, pk)["attempts"] for pk in ids} == {1}
    assert {site.inspection(pk)["state"] for pk in ids} == {"done"}


def test_uploads_do_not_wait_for_a_redis_that_hangs(site: Factory) -> None:
    redis = site.pid("redis")
    os.kill(redis, signal.SIGSTOP)
    try:
        started = time.monotonic()
        upload_all(site, [PHOTO] * 16)
        took = time.monotonic() - started
    finally:
        os.kill(redis, signal.SIGCONT)
    assert took < 10
    site.wait_until_done(30)


def test_a_redis_without_its_memory_loses_nothing(site: Factory) -> None:
    site.kill("inspect", signal.SIGSTOP)
    ids = upload_all(site, [PHOTO] * 10)
    site.run(
        "import django; django.setup();"
        "from traceability.lib.redis import client; client().flushall()"
    )
    site.kill("inspect", signal.SIGCONT)
    site.wait_until_done(30)
    assert {site.inspection(pk)["state"] for pk in ids} == {"done"}


def test_a_folder_is_served_once(site: Factory) -> None:
    second = ProcessGroup(site.group.data, port=0, environment=site.group.environment)
    pidfile = site.group.data / "run" / "supervisord.pid"
    pid = pidfile.read_text().strip()  # whose end ends the rest, whoever started it
    with pytest.raises(ServeError, match=f"already served by process {pid} "):
        second.start()


def test_a_taken_port_is_named(site: Factory, tmp_path: Path) -> None:
    second = ProcessGroup(
        tmp_path, port=site.group.port, environment={"PATH": os.environ["PATH"]}
    )
    with pytest.raises(ServeError, match=f"Port {site.group.port} .* is in use"):
        second.start()
    second.stop()


def test_serve_says_when_it_is_ready_and_leaves_no_process(tmp_path: Path) -> None:
    port = free_port()
    serve = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port)]
        + ["--no-inspect", "--no-analysis"],
        cwd=REPOSITORY,
        env=os.environ | {"CAUSELINE_DATA": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),  # as nohup
        stderr=subprocess.PIPE,
        text=True,
    )
    with serve:
        assert serve.stderr is not None
        said = [serve.stderr.readline() for _ in range(2)]
        family = psutil.Process(serve.pid).children(recursive=True)
        serve.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            serve.wait(5)
        serve.send_signal(signal.SIGTERM)
        assert serve.wait(60) == 0
    assert said[1].startswith(f"Ready: http://127.0.0.1:{port}")
    assert len(family) >= 4
    assert not psutil.wait_procs(family, timeout=5)[1]
    assert not list(tmp_path.rglob("*.sock"))


def test_clients_that_fall_silent_give_their_threads_back(site: Factory) -> None:
    """A camera that loses its cable sends nothing more, not even a FIN."""
    host, port = "127.0.0.1", int(site.group.url.rpartition(":")[2])
    head = b"POST /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
    silent = [socket.create_connection((host, port)) for _ in range(40)]
    for connection in silent:
        connection.sendall(head + b"Content-Type: text/plain\r\n\r\na=")
    try:
        with urllib.request.urlopen(f"{site.group.url}/healthz", timeout=30) as answer:  # noqa: S310
            assert answer.status == 200
    finally:
        for connection in silent:
            connection.close()
