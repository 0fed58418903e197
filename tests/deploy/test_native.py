"""The compose file's site runs: every container's command, native, on real servers.

Not seen here: images, volumes, networks, users and read-only roots, for which it takes
a Docker engine.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.deploy.native import Site
from tests.factory import multipart, noise
from tests.outbox.listener import Listener
from tests.services import postgres_database, program

pytestmark = [pytest.mark.slow, pytest.mark.service, pytest.mark.timeout(600)]

# `watch-folder` has no health but that it runs; `inspect-gpu` needs a card.
SERVERS = ["postgres", "redis", "mosquitto"]
PROGRAMS = ["pg_isready", "redis-server", "redis-cli", "mosquitto", "mosquitto_sub"]
PROCESSES = ["web", "inspect", "analysis", "clock", "mqtt"]
PLANT = """
from traceability.catalog.models import Line, Site, Station
site = Site.objects.get(code="SZ1")
line = Line.objects.create(site=site, code="L1")
Station.objects.create(site=site, line=line, code="AOI-1")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As `docker compose up` leaves it: servers, then prepare, then all processes."""
    for name in PROGRAMS:
        program(name)
    with postgres_database() as url:
        site = Site(tmp_path_factory.mktemp("compose"), url)
        try:
            site.start("redis", "--port", str(site.ports["6379"]))
            site.start_mosquitto()
            for name in ("redis", "mosquitto"):
                site.wait_until_healthy(name)
            site.run("prepare")
            for name in PROCESSES:
                site.start(name)
            yield site
        finally:
            site.kill()


@pytest.fixture(scope="module")
def key(site: Site) -> str:
    """What docs/deploy.md says to do first, and the key that comes of it."""
    manage = ("python", "manage.py")
    made = site.run("web", *manage, "create_site", "SZ1", "--time-zone", "UTC")
    assert "password" in made
    site.run("web", *manage, "shell", "-c", PLANT)
    return site.run(
        "web", *manage, "create_key", "SZ1", "camera", "--scope", "upload"
    ).strip()


def ask(
    site: Site, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """As the reverse proxy does: with the public host and the scheme in front of it."""
    connection = http.client.HTTPConnection("127.0.0.1", site.ports["8000"], timeout=60)
    proxied = {"Host": "quality.plant.example", "X-Forwarded-Proto": "https"}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, proxied | given)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def upload(site: Site, key: str, photo: bytes, **headers: str) -> dict[str, Any]:
    form = {
        "serial": f"SN-{time.time_ns()}",
        "station": "AOI-1",
        "captured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    body, kind = multipart(form, photo)
    status, _, answer = ask(
        site,
        "POST",
        "/api/v1/inspections/",
        body,
        Authorization=f"Api-Key {key}",
        Content_Type=kind,
        **headers,
    )
    assert status in (201, 202), answer
    return json.loads(answer)


def query(site: Site, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(site.postgres) as server:
        return server.execute(sql).fetchall()


@pytest.mark.parametrize("name", SERVERS + PROCESSES)
def test_health_checks_pass(site: Site, name: str) -> None:
    site.wait_until_healthy(name)


def test_a_health_check_of_what_does_not_run_fails(site: Site) -> None:
    site.wait_until_healthy("analysis")
    site.stop("analysis")
    assert not site.is_healthy("analysis")
    site.start("analysis")


def test_a_photo_goes_through_and_its_result_out(site: Site, key: str) -> None:
    for name in PROCESSES:
        site.wait_until_healthy(name)
    with Listener(site.ports["1883"]) as listener:
        body = upload(site, key, noise(1, 320), Prefer="wait=10")
        listener.until(lambda: listener.numbers())
    (topic,) = listener.numbers()
    assert topic == "causeline/SZ1/L1/AOI-1/inspection"
    state = query(site, "SELECT id::text, state FROM inspection_inspection")
    assert state == [(body["id"], "done")]


@pytest.mark.parametrize(
    ("port", "figure"),
    [("8000", "causeline_stage_seconds"), ("9464", "causeline_inspections_total")],
)
def test_prometheus_reads_web_and_worker_by_one_token(
    site: Site, port: str, figure: str
) -> None:
    token = (site.folder / "secrets" / "metrics_token").read_text()
    bearer = {"Authorization": f"Bearer {token}"}
    address = f"http://127.0.0.1:{site.ports[port]}/metrics"
    with urlopen(Request(address, headers=bearer), timeout=30) as answer:
        assert figure in answer.read().decode()


def test_a_camera_that_drops_files_is_served(site: Site, key: str) -> None:
    (site.folder / "secrets" / "watch_key").write_text(key)
    folder = site.folder / "photos" / "AOI-1"
    folder.mkdir()
    (folder / "SN-77.jpg").write_bytes(noise(2, 320))
    site.start("watch-folder")
    end = time.monotonic() + 60
    while not list((site.folder / "photos").glob("done/*/*/SN-77.jpg")):
        assert time.monotonic() < end, site.said("watch-folder")
        time.sleep(0.2)
    assert site.stop("watch-folder")[0] == 0


def test_pages_are_safe_behind_the_proxy_and_complete(site: Site) -> None:
    status, headers, page = ask(site, "GET", "/sign-in/")
    assert status == 200
    assert "Secure" in headers["Set-Cookie"]
    assert "max-age=" in headers["Strict-Transport-Security"]
    collected = site.application / "static-collected"
    styles = next(one for one in collected.rglob("*.css") if one.name in page.decode())
    path = f"/static/{styles.relative_to(collected)}"
    status, headers, _ = ask(site, "GET", path, Accept_Encoding="gzip")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")


def test_the_ring_of_signing_keys_is_made_by_prepare(site: Site) -> None:
    assert (site.folder / "data" / "keys" / "engine-signing.json").is_file()
    # What signs sessions is a secret from outside and not made.
    assert not (site.folder / "data" / "keys" / "causeline_secret_key").exists()


def test_it_stops_in_time_and_nothing_is_lost(site: Site, key: str) -> None:
    """Stopped under load, all at once, as compose does; then started again."""
    for name in PROCESSES:
        site.wait_until_healthy(name)
    with ThreadPoolExecutor(8) as pool:
        photos = [noise(n, 1024) for n in range(10, 50)]
        answers = list(pool.map(lambda photo: upload(site, key, photo), photos))
    ids = {answer["id"] for answer in answers}
    assert open_jobs(site), "some are under way"
    ends = site.stop_together(PROCESSES)
    assert {name: code for name, (code, _) in ends.items()} == dict.fromkeys(
        PROCESSES, 0
    )
    assert not site.is_healthy("mqtt"), "nobody publishes"
    held = query(site, "SELECT count(*) FROM jobs_job WHERE state = 'running'")
    assert held == [(0,)], "nobody holds a job"
    site.stop("redis")
    site.start("redis", "--port", str(site.ports["6379"]))
    site.wait_until_healthy("redis")
    for name in ("inspect", "clock"):
        site.start(name)
    end = time.monotonic() + 120
    while open_jobs(site):
        assert time.monotonic() < end, open_jobs(site)
        time.sleep(0.5)
    rows = query(site, "SELECT id::text, state, attempt FROM inspection_inspection")
    seen = {pk: (state, attempt) for pk, state, attempt in rows if pk in ids}
    assert seen == dict.fromkeys(ids, ("done", 1))
    site.stop_together(["inspect", "clock"])
    for name in ("redis", "mosquitto"):
        assert site.stop(name)[0] == 0


def open_jobs(site: Site) -> list[tuple[Any, ...]]:
    return query(
        site,
        "SELECT state, count(*) FROM jobs_job WHERE queue = 'inspect' "
        "AND state IN ('pending', 'running') GROUP BY state",
    )
