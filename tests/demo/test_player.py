from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.demo.small import small_plan
from tests.services import free_port
from traceability.demo.photos import SIZE, draw, photos_of
from traceability.demo.player import answers, cameras, mes
from traceability.demo.player.client import ApiError, Client
from traceability.demo.player.state import State, end_of_plan, load, stored_password

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def site(transactional_db):
    from traceability.catalog.models import Site

    return Site.objects.create(code="S1")


@pytest.fixture
def client(live_server, site):
    from traceability.accounts.models import Scope
    from traceability.accounts.services import create_api_key

    _, key = create_api_key(site, "test", [Scope.INGEST, Scope.UPLOAD, Scope.READ])
    with closing(Client(live_server.thread.host, live_server.thread.port, key)) as one:
        yield one


def test_what_the_mes_pushes_is_what_was_planned(client, site) -> None:
    from traceability.production.models import Consumption, OperationRun, Unit

    plan = small_plan()
    rows = mes.all_rows(plan)
    pushed = []
    mes.push(client, rows, pushed.append)
    assert sum(pushed) == sum(map(len, rows.values()))
    unit = plan.frames["units"].iloc[-1]
    stored = Unit.objects.get(serial=unit["unit"])
    assert stored.completed_at == unit["completed_at"]
    assert (stored.line.code, stored.batch.number) == (unit["line"], unit["batch"])
    steps = plan.frames["steps"].query("unit == @unit.unit").set_index("operation")
    readings = plan.frames["readings"].query("unit == @unit.unit")
    for run in OperationRun.objects.filter(unit=stored):
        step = steps.loc[run.operation.code]
        assert (run.equipment.code, run.operator) == (
            step["equipment"],
            step["operator"],
        )
        own = readings.query("operation == @run.operation.code")
        assert run.readings == dict(zip(own["parameter"], own["value"], strict=True))
    used = Consumption.objects.filter(unit=stored).values_list("lot__number", flat=True)
    assert set(used) == set(plan.frames["lots"].query("unit == @unit.unit")["lot"])


def test_pushing_again_changes_nothing(client, site) -> None:
    rows = mes.all_rows(small_plan(3))
    mes.push(client, rows, lambda n: None)
    for resource, items in rows.items():
        counts = client.post(f"/api/v1/{resource}/bulk", items)["counts"]
        assert counts["unchanged"] == len(items), resource


def test_a_rejected_row_stops_the_push(client, site) -> None:
    rows = {"units": [{"serial": "U1", "product": "never told"}]}
    with pytest.raises(ApiError, match="units: 1 rows rejected"):
        mes.push(client, rows, lambda n: None)


def test_an_upload_arrives_with_all_its_camera_said(client, site, settings) -> None:
    from traceability.inspection.models import Image

    plan = small_plan(1)
    mes.push(client, mes.all_rows(plan), lambda n: None)
    photo = photos_of(plan)[0]
    answer = client.upload("/api/v1/inspections/", photo.form, draw(photo))
    assert answer["serial"] == photo.serial
    assert answer["unit_registered"] is True
    image = Image.objects.get()
    assert (image.width, image.height) == (SIZE, SIZE)
    assert answers.known_photos(client) == {photo.external_id}
    again = client.upload("/api/v1/inspections/", photo.form, draw(photo))
    assert again["id"] == answer["id"]


def test_an_error_of_the_server_is_told(client, site) -> None:
    with pytest.raises(ApiError, match="404"):
        client.get("/api/v1/jobs/00000000-0000-0000-0000-000000000000/")


def test_a_connection_that_the_server_closed_is_opened_again(client, site) -> None:
    assert client.get("/api/v1/inspections/")["results"] == []
    client._connection.sock.shutdown(2)
    assert client.get("/api/v1/inspections/")["results"] == []


def test_photos_show_the_defects_that_were_planned() -> None:
    plan = small_plan()
    photos = photos_of(plan)
    shown = {(photo.serial, name) for photo in photos for name in photo.defect_classes}
    rows = plan.frames["defects"][["unit", "defect_class"]].to_numpy()
    assert shown == set(map(tuple, rows))
    assert shown
    assert [p.captured_at for p in photos] == sorted(p.captured_at for p in photos)


def test_a_photo_is_the_same_whenever_it_is_drawn() -> None:
    first, second = photos_of(small_plan())[:2]
    assert draw(first) == draw(first)
    assert draw(first) != draw(replace(first, seed=second.seed))


class Detector:
    """A server that has all photos inspected at the second look, or never."""

    def __init__(self, works: bool = True) -> None:
        self.works = works
        self.uploaded: list[str] = []
        self.looks = 0

    def upload(self, path: str, form: dict[str, str], image: bytes) -> None:
        assert image[:2] == b"\xff\xd8"
        self.uploaded.append(form["external_id"])

    def get(self, path: str, **query: object) -> dict[str, list[str]]:
        self.looks += 1
        waiting = self.uploaded if self.looks < 3 or not self.works else []
        return {"results": waiting[: int(str(query["page_size"]))]}


def test_cameras_wait_until_everything_is_inspected(monkeypatch) -> None:
    monkeypatch.setattr(cameras, "POLL_SECONDS", 0.05)
    photos = photos_of(small_plan(6))
    server = Detector()
    uploaded, inspected = [], []
    cameras.take_photos(lambda: server, photos, uploaded.append, inspected.append)
    assert sorted(server.uploaded) == sorted(p.external_id for p in photos)
    assert sum(uploaded) == sum(inspected) == len(photos)


def test_a_detector_that_stands_still_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(cameras, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(cameras, "STALLED_SECONDS", 0.2)
    monkeypatch.setattr(cameras, "BACKLOG", 2)
    server = Detector(works=False)
    with pytest.raises(ApiError, match="none was inspected lately"):
        cameras.take_photos(
            lambda: server, photos_of(small_plan(4)), lambda n: None, lambda n: None
        )
    assert len(server.uploaded) < 8


def test_detection_counts_what_was_found_missed_and_imagined() -> None:
    plan = small_plan()
    rows = plan.frames["defects"][["unit", "defect_class"]].drop_duplicates()
    seen: dict[str, set[str]] = {}
    for serial, name in rows.iloc[1:].to_numpy():
        seen.setdefault(serial, set()).add(name)
    seen["U-imagined"] = {"open"}
    detected = answers.detection(plan, seen)
    assert (detected.drawn, detected.found) == (len(rows), len(rows) - 1)
    assert detected.false_alarms == 1


def test_the_folder_remembers_its_factory(tmp_path) -> None:
    until = end_of_plan(datetime(2026, 3, 14, 17, 38, 59, tzinfo=UTC))
    assert until == datetime(2026, 3, 14, 17, 35, tzinfo=UTC)
    State(4, until, "plan").finished().save(tmp_path)
    assert load(tmp_path) == State(4, until, "plan", complete=True)


@pytest.mark.parametrize("text", ["", "[]", '{"seed": 4}', '{"until": "x"}', "null"])
def test_a_folder_that_cannot_be_understood_holds_nothing(tmp_path, text) -> None:
    (tmp_path / "demo.json").write_text(text)
    assert load(tmp_path) is None


def test_a_password_is_random_and_kept_from_others(tmp_path) -> None:
    first = stored_password(tmp_path, "admin")
    assert first == stored_password(tmp_path, "admin") != stored_password(tmp_path, "m")
    assert len(first) >= 12
    assert (tmp_path / "keys" / "password-admin").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_corner_of_the_factory_is_played_once_and_then_reused(tmp_path) -> None:
    others = {k: v for k, v in os.environ.items() if not k.startswith("CAUSELINE_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo.small", str(free_port())],
        cwd=REPOSITORY,
        env=others | {"CAUSELINE_DATA": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    first, second = map(json.loads, lines)
    assert first["units"] == first["inspected"] == second["inspected"] == 60
    assert first["plants"] == 4
    assert set(first["phases"]) == {"push", "photos", "analysis"}
    assert second["phases"] == {}
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert answer["detection"]["found"] >= 0.8 * answer["detection"]["drawn"]
