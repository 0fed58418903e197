"""Which photo gets which optics, and what is told where they do not fit."""

from __future__ import annotations

from tests.api.calibrations import written
from tests.api.cameras import photo, upload
from tests.api.test_optics import send
from traceability.catalog.models import Line, Station
from traceability.inspection.models import Image


def test_photos_taken_in_from_now_on_get_them(camera, station):
    before = upload(camera, photo()).json()
    row = send(camera, written()).json()
    during = upload(camera, photo(seed=1)).json()
    camera.post(f"{row['url']}retire/")
    after = upload(camera, photo(seed=2)).json()
    assert [one["optics"] for one in (before, during, after)] == [None, row["id"], None]
    assert during["warnings"][-1]["code"] == "unknown_serial"
    assert Image.objects.get(optics=row["id"]).inspections.count() == 1


def test_another_station_keeps_its_own(camera, site, station):
    line = Line.objects.get()
    Station.objects.create(site=site, line=line, code="AOI-2")
    send(camera, written(), station="AOI-2")
    assert upload(camera, photo()).json()["optics"] is None


def test_a_photo_of_another_size_is_taken_in_and_told(camera, station):
    send(camera, written())
    answer = upload(camera, photo(width=80))
    assert answer.status_code == 202
    warning = answer.json()["warnings"][-1]
    assert warning["code"] == "camera_mismatch"
    assert "80 × 48" in warning["message"]
    assert "64 × 48" in warning["message"]


def test_optics_unlike_the_stations_photos_are_told(camera, station):
    upload(camera, photo(width=80))
    (warning,) = send(camera, written()).json()["warnings"]
    assert warning["code"] == "camera_mismatch"
