"""What a worker lets Prometheus read."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as site_settings
from pytest_django import Settings

import inference_worker.measures
from inference_worker import exporter as exporter_module
from inference_worker import worker
from inference_worker.desk import Desk
from inference_worker.exporter import Exporter
from inference_worker.figures import WorkerFigures
from inference_worker.ladder.hops import Figures
from inference_worker.ladder.rungs import Rung
from tests.factory import jpeg
from tests.metrics.scrape import parse, scrape, total, value
from tests.metrics.table import counted_by, documented, told
from tests.services import free_port
from traceability.jobs.models import Job
from traceability.jobs.slots import Slot
from traceability.lib.exposition import written


class Standing:
    """Of a ladder, what is read for figures."""

    def __init__(self) -> None:
        self.rungs = [Rung("cuda"), Rung("openvino")]
        self.figures = Figures(place=1)
        self.figures.hops["cuda", "OOM"] += 2
        self.figures.climbs["cuda"] += 1
        self.figures.retries["cuda"] += 3


@pytest.fixture
def figures(desk: Desk) -> WorkerFigures:
    return WorkerFigures(desk, Standing(), ["GPU-0000"])  # type: ignore[arg-type]


def test_every_figure_is_in_the_table(figures: WorkerFigures) -> None:
    own = [one for one in figures.collect() if "_labelnames" in vars(one)]
    counted = counted_by(inference_worker.measures)
    ours = {row for row in told([*counted, *own]) if row.name.startswith("causeline_")}
    assert ours == documented("worker", "both")


def test_the_ladder_as_it_stands(figures: WorkerFigures) -> None:
    found = parse(written(figures, "")[0].decode())
    assert value(found, "causeline_ladder_rung", rung="openvino") == 1
    assert value(found, "causeline_ladder_rung", rung="cuda") == 0
    assert value(found, "causeline_ladder_place") == 1
    hops = {"rung": "cuda", "reason": "OOM"}
    assert value(found, "causeline_ladder_hops_total", **hops) == 2
    assert value(found, "causeline_ladder_climbs_total", rung="cuda") == 1
    assert value(found, "causeline_ladder_retries_total", rung="cuda") == 3
    assert total(found, "causeline_gpu_memory_bytes") == 0, "there is no such card"


@pytest.mark.parametrize(
    ("place", "untried", "told"), [(3, 3, 0), (3, 2, 1), (0, 0, 0), (-1, 2, -1)]
)
def test_a_place_on_the_way_up_does_not_look_like_a_fault(
    desk: Desk, place: int, untried: int, told: int
) -> None:
    ladder = Standing()
    ladder.figures.place, ladder.figures.untried = place, untried
    read = WorkerFigures(desk, ladder, [])  # type: ignore[arg-type]
    found = parse(written(read, "")[0].decode())
    assert value(found, "causeline_ladder_place") == told


def test_what_waits_is_counted_and_what_ended_is(
    desk: Desk, photo: Callable[[bytes], Job], figures: WorkerFigures
) -> None:
    name, labels = "causeline_inspections_total", {"outcome": "failed", "backend": ""}
    labels |= {"model": "", "version": ""}
    before = parse(written(figures, "")[0].decode())
    desk.inspect(photo(b"no image").id)
    desk.inspect(photo(jpeg((0, 64, 96))).id)
    after = parse(written(figures, "")[0].decode())
    assert value(after, name, **labels) == value(before, name, **labels) + 1
    assert total(after, name) == total(before, name) + 2
    assert value(after, "causeline_waiting_photos", before="infer") == 0
    assert value(after, "causeline_inspections_in_flight") == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_port_is_its_own_until_it_is_closed(
    figures: WorkerFigures, host: str
) -> None:
    if host == "::1" and not _has_ipv6():
        pytest.skip("no IPv6 here")
    port = free_port()
    exporter = Exporter(host, port, figures)
    named = f"[{host}]" if ":" in host else host
    try:
        url = f"http://{named}:{port}"
        found = scrape(f"{url}/metrics", site_settings.METRICS_TOKEN)
        assert value(found, "causeline_ladder_place") == 1
        for path, status in (("/", 404), ("/metrics", 401)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(url + path, timeout=5)  # noqa: S310
            assert refused.value.code == status
            refused.value.close()
        with pytest.raises(OSError, match="in use"):
            Exporter(host, port, figures)
    finally:
        exporter.close()
    Exporter(host, port, figures).close()


def test_who_connects_and_says_nothing_costs_a_line(
    figures: WorkerFigures,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(exporter_module._Handler, "timeout", 0.1)
    port = free_port()
    exporter = Exporter("127.0.0.1", port, figures)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as silent:
            silent.sendall(b"GET /metrics HTTP/1.1\r\n")
            assert not silent.recv(1)
    finally:
        exporter.close()
    assert "no figures for 127.0.0.1" in caplog.text
    assert "Traceback" not in capfd.readouterr().err


def test_a_port_that_is_taken_costs_a_worker_its_figures_only(
    desk: Desk, settings: Settings, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        (tmp_path / "lock").open("w") as file,
    ):
        port = taken.getsockname()[1]
        settings.METRICS_PORT = port - 1  # of the first; this is the second
        second = Slot("inspect-2@here#1", 0, file, 2)
        worker._expose(desk, Standing(), second)  # type: ignore[arg-type]
    assert f"no figures on 127.0.0.1:{port}" in caplog.text


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
