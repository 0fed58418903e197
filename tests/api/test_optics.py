"""Optics of stations over REST: sending, keeping, retiring."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.calibrations import CAMERA, KINDS, LENS, written
from tests.api.cameras import client_with
from tests.api.test_errors import envelope
from traceability.accounts.models import Scope
from traceability.catalog.models import Site
from traceability.inspection.calibration import MOST_BYTES
from traceability.inspection.cameras import Optics

ADDRESS = "/api/v1/optics/"


def send(client, calibration=None, **fields):
    form = {"station": "AOI-1", **fields}
    if calibration is not None:
        form["calibration"] = SimpleUploadedFile("camera.yml", calibration)
    return client.post(ADDRESS, form, format="multipart")


@pytest.fixture
def stranger(db):
    other = Site.objects.create(code="S2", name="Elsewhere")
    return client_with(other, Scope.UPLOAD)


# Sending


@pytest.mark.parametrize("kind", KINDS)
def test_a_calibration_is_stored_and_said(camera, station, kind):
    answer = send(camera, written(kind), region="8, 4, 40, 32", denoise="25")
    assert answer.status_code == 201
    body = answer.json()
    assert answer["Location"] == body["url"]
    assert (body["width"], body["height"]) == (64, 48)
    assert body["camera"] == [CAMERA[0][0], CAMERA[1][1], CAMERA[0][2], CAMERA[1][2]]
    assert body["distortion"] == LENS[0]
    assert (body["region"], body["denoise"]) == ([8, 4, 40, 32], 25)
    assert body["warnings"] == []
    read = camera.get(body["url"]).json()
    assert read == {name: body[name] for name in body if name != "warnings"}
    assert Optics.objects.get().api_key.name == "test"


def test_a_region_alone_needs_the_size_of_the_photos(camera, station):
    assert send(camera, region="0,0,32,32", width=64, height=48).status_code == 201
    body = envelope(send(camera, region="0,0,32,32"), 422, "invalid")
    assert set(body["fields"]) == {"width", "height"}
    for given, missing in [("width", "height"), ("height", "width")]:
        answer = send(camera, region="0,0,32,32", **{given: 48})
        assert set(envelope(answer, 422, "invalid")["fields"]) == {missing}


def test_the_size_need_not_be_in_the_file(camera, station):
    bare = written(image_width=None, image_height=None)
    assert set(envelope(send(camera, bare), 422, "invalid")["fields"]) == {
        "width",
        "height",
    }
    body = send(camera, bare, width=64, height=48).json()
    assert (body["width"], body["height"]) == (64, 48)


def test_the_same_again_changes_nothing_and_new_ones_retire_the_old(camera, station):
    first, again = (send(camera, written(), denoise=10) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    second = send(camera, written(), denoise=20).json()
    rows = camera.get(ADDRESS).json()["results"]
    assert [row["id"] for row in rows] == [second["id"], first.json()["id"]]
    assert [row["retired_at"] is None for row in rows] == [True, False]
    for query, count in [("active=true", 1), ("station=AOI-1", 2), ("station=no", 0)]:
        assert len(camera.get(f"{ADDRESS}?{query}").json()["results"]) == count


def test_a_calibration_can_be_kept_while_the_rest_changes(camera, station):
    first = send(camera, written()).json()
    body = send(camera, keep_calibration=True, region="0 0 32 40").json()
    assert body["camera"] == first["camera"]
    assert body["sha256"] == first["sha256"]
    assert body["region"] == [0, 0, 32, 40]
    camera.post(f"{body['url']}retire/")


@pytest.mark.parametrize("before", ["nothing", "retired", "a region alone"])
def test_what_is_not_there_cannot_be_kept(camera, station, before):
    size = {"width": 64, "height": 48}
    if before == "retired":
        camera.post(f"{send(camera, written()).json()['url']}retire/")
    elif before == "a region alone":
        send(camera, region="0,0,32,32", **size)
    rows = Optics.objects.count()
    answer = send(camera, keep_calibration=True, denoise=5, **size)
    (named,) = envelope(answer, 422, "invalid")["fields"].items()
    assert named[0] == "keep_calibration"
    assert "AOI-1 has no calibration" in named[1][0]
    assert Optics.objects.count() == rows


def test_an_empty_region_is_all_of_the_photo(camera, station):
    send(camera, written(), region="8,4,40,32")
    answer = send(camera, keep_calibration=True, region="")
    assert answer.status_code == 201
    assert answer.json()["region"] == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"region": "0,0,65,48"}, "region"),
        ({"region": "30,0,40,40"}, "region"),
        ({"region": "0,0,31,40"}, "region"),
        ({"region": "-1,0,40,40"}, "region"),
        ({"region": "1,2,3"}, "region"),
        ({"region": "a"}, "region"),
        ({"region": "0,0,999999,40"}, "region"),
        ({"denoise": -1}, "denoise"),
        ({"denoise": 101}, "denoise"),
        ({"denoise": "much"}, "denoise"),
        ({"width": 64, "height": 64}, "height"),
        ({"width": 640, "height": 480}, "width"),
        ({"calibration": b"?"}, "calibration"),
        ({"calibration": b""}, "calibration"),
        ({"station": ""}, "station"),
        ({"station": ["AOI-1", "AOI-1"]}, "station"),
    ],
)
def test_what_is_wrong_is_named(camera, station, fields, named):
    data = fields.pop("calibration", written())
    answer = send(camera, data, **fields)
    body = answer.json()
    assert answer.status_code == 422
    assert body["fields"][named][0]
    assert not Optics.objects.exists()


def looking_at(x, y):
    return written(camera_matrix=np.array([[60.5, 0, x], [0, 59.75, y], [0, 0, 1]]))


@pytest.mark.parametrize("point", [(-40.0, 23.5), (32.25, 130.0), (90.5, -20.0)])
def test_a_principal_point_outside_of_a_cut_out_photo_is_told(camera, station, point):
    """The lens looked at the middle of the sensor, the photo is a corner of it."""
    answer = send(camera, looking_at(*point))
    assert answer.status_code == 201
    assert answer.json()["camera"][2:] == list(point)
    assert answer.json()["warnings"][0]["code"] == "principal_point_outside"
    assert f"{point[0]:g}, {point[1]:g}" in answer.json()["warnings"][0]["message"]


@pytest.mark.parametrize("point", [(-606.0, 23.5), (32.25, 647.0), (1e300, -1e300)])
def test_a_principal_point_that_no_lens_could_have_is_refused(camera, station, point):
    body = envelope(send(camera, looking_at(*point)), 422, "calibration_invalid")
    assert f"{point[0]:g}, {point[1]:g}" in body["fields"]["calibration"][0]


def test_of_a_side_that_opencv_cannot_unbend_only_a_region_is_taken(camera, station):
    """Its remap would fail on each photo, and every backend seem to."""
    size = {"width": 32_767, "height": 48}
    bare = written(image_width=None, image_height=None)
    body = envelope(send(camera, bare, **size), 422, "invalid")
    assert "32766" in body["fields"]["width"][0]
    assert send(camera, region="0,0,640,48", **size).status_code == 201
    size["width"] -= 1
    assert send(camera, bare, **size).status_code == 201


def test_nothing_to_do_is_no_optics(camera, station):
    body = envelope(send(camera, width=64, height=48), 422, "invalid")
    assert set(body["fields"]) == {"calibration"}


def test_a_large_file_is_refused(camera, station):
    answer = send(camera, b"x" * (MOST_BYTES + 1))
    envelope(answer, 413, "calibration_too_large")


def test_an_unknown_station_is_named(camera, station, stranger):
    envelope(send(camera, written(), station="AOI-9"), 422, "unknown_station")
    envelope(send(stranger, written()), 422, "unknown_station")


# Who may


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [("UPLOAD", 200, 201), ("READ", 200, 403), ("INGEST", 403, 403)],
)
def test_the_scopes_of_keys(site, camera, station, scope, reads, writes):
    url = send(camera, written()).json()["url"]
    client = client_with(site, Scope[scope])
    assert client.get(ADDRESS).status_code == reads
    assert client.get(url).status_code == reads
    assert send(client, written(), denoise=3).status_code == writes
    assert client.post(f"{url}retire/").status_code == {201: 200}.get(writes, writes)


def test_another_site_sees_and_changes_nothing(camera, stranger, station):
    url = send(camera, written()).json()["url"]
    assert stranger.get(ADDRESS).json()["results"] == []
    envelope(stranger.get(url), 404, "not_found")
    envelope(stranger.post(f"{url}retire/"), 404, "not_found")
    camera.credentials()
    envelope(send(camera, written()), 401, "not_authenticated")
    assert Optics.objects.get().retired_at is None


def test_the_admin_shows_them_and_changes_none(admin_client, camera, station):
    row = send(camera, written()).json()["id"]
    address = f"/admin/inspection/optics/{row}/change/"
    assert admin_client.get(address).status_code == 200
    assert admin_client.post(address, {}).status_code == 403


@pytest.mark.parametrize(
    ("matrix", "lens"),
    [
        ([[1.2, 0, 0.5], [0, 1.2, 0.5], [0, 0, 1]], LENS),
        ([[0.004, 0, 0.002], [0, 0.004, 0.0015], [0, 0, 1]], [[0.1, 0, 0, 0]]),
        (CAMERA, [[1e300, 0, 0, 0]]),
    ],
    ids=["shares of the width", "metres", "nonsense"],
)
def test_a_lens_that_leaves_nothing_to_look_at_is_refused(
    camera, station, matrix, lens
):
    """On grey no defect is found: every unit would be good."""
    data = written(
        camera_matrix=np.array(matrix), distortion_coefficients=np.array(lens)
    )
    body = envelope(send(camera, data), 422, "calibration_invalid")
    assert "in pixels" in body["fields"]["calibration"][0]
    assert not Optics.objects.exists()


def test_a_lens_that_leaves_little_to_look_at_is_told(camera, station):
    body = send(camera, looking_at(32.25, 130.0)).json()
    (said,) = [one for one in body["warnings"] if one["code"] == "lens_shows_little"]
    assert "30 %" in said["message"]
    whole = send(camera, written()).json()
    assert whole["warnings"] == []
