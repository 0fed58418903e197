"""Cameras on the pages: the list, a station's own page, and what photos say of it."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image as Pillow

from tests.api.calibrations import written
from tests.dashboards import factories as make
from tests.dashboards.test_pages import text
from traceability.inspection.cameras import Optics
from traceability.inspection.models import Image, Inspection

FITTING = {"image_width": 640, "image_height": 480}


def page_of(client, plant):
    return text(client.get(reverse("camera", args=[plant.station.pk])))


def send(client, plant, calibration=None, htmx=True, **fields):
    if calibration is not None:
        fields["calibration"] = SimpleUploadedFile("camera.yml", calibration)
    headers = {"HX-Request": "true"} if htmx else {}
    address = reverse("set-optics", args=[plant.station.pk])
    return client.post(address, fields, headers=headers)


def test_the_list_says_what_each_station_does(plant, engineer):
    page = text(engineer.get("/cameras/"))
    assert "as it is" in page
    make.OpticsFactory(station=plant.station, region=[0, 0, 320, 240], denoise=40)
    page = text(engineer.get("/cameras/"))
    assert "as it is" not in page
    assert "320 × 240" in page
    assert "40 %" in page


def test_retired_optics_are_shown_as_earlier_ones(plant, engineer):
    make.OpticsFactory(station=plant.station, denoise=77, retired_at=make.long_ago())
    assert "77 %" not in text(engineer.get("/cameras/"))
    page = page_of(engineer, plant)
    assert "looked at as they are" in page
    assert "Denoise 77 %" in page


def test_a_calibration_is_sent_and_used(plant, engineer):
    answer = send(engineer, plant, written(**FITTING), region="10 20 320 240")
    assert answer.status_code == 200
    assert "from now on are looked at this way" in text(answer)
    row = Optics.objects.get()
    assert (row.width, row.region) == (640, [10, 20, 320, 240])
    assert row.camera
    assert row.user is not None
    assert "corrected, 5 coefficients" in page_of(engineer, plant)


def test_without_scripts_the_page_comes_back(plant, engineer):
    answer = send(engineer, plant, denoise=5, width=640, height=480, htmx=False)
    assert answer.status_code == 302
    assert answer.url == reverse("camera", args=[plant.station.pk])
    wrong = send(engineer, plant, denoise=500, width=640, height=480, htmx=False)
    assert wrong.status_code == 422
    page = wrong.content.decode()
    assert "Give 0 to 100 percent" in page
    assert "<html" in page


def test_what_the_page_offers_can_be_sent_back(plant, engineer):
    """The calibration in use is kept while a region is added."""
    make.OpticsFactory(station=plant.station, denoise=30)
    form = engineer.get(reverse("camera", args=[plant.station.pk])).context["form"]
    assert form.initial == {"keep_calibration": True, "region": "", "denoise": 30}
    sent = {**form.initial, "keep_calibration": "on", "region": "0,0,99,99"}
    send(engineer, plant, **sent)
    row = Optics.objects.get(retired_at=None)
    assert (row.camera[0], row.denoise, row.region) == (600.0, 30, [0, 0, 99, 99])


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"calibration": b"hello"}, "calibration", "no XML, YAML or JSON"),
        ({"calibration": b""}, "calibration", "empty"),
        ({"region": "1,2"}, "region", "left, top, width and height"),
        ({"region": "0,0,999,999", **FITTING}, "region", "beyond the photo"),
        ({"denoise": 20}, "width", "how large"),
        ({"denoise": 20, "width": 640}, "height", "width and height together"),
        ({"denoise": 20, "height": 480}, "width", "width and height together"),
        ({"keep_calibration": "on"}, "keep_calibration", "no calibration in use"),
        ({}, "calibration", "Send a calibration"),
        ({"denoise": "x"}, "denoise", "whole number"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(plant, engineer, fields, name, said):
    if "image_width" in fields:
        fields = {"region": fields["region"], "width": 640, "height": 480}
    data = fields.pop("calibration", None)
    answer = send(engineer, plant, data, **fields)
    assert said in answer.context["form"].errors[name][0]
    assert said in text(answer)
    assert not Optics.objects.exists()


def test_errors_are_in_the_readers_language(plant, engineer):
    engineer.post("/language/", {"language": "zh-hans", "next": "/"})
    page = text(send(engineer, plant, written(camera_matrix=None, **FITTING)))
    assert "缺少 camera_matrix" in page


def test_photos_can_be_looked_at_as_they_are_again(plant, engineer):
    make.OpticsFactory(station=plant.station)
    address = reverse("retire-optics", args=[plant.station.pk])
    assert engineer.post(address).status_code == 302
    assert Optics.objects.get().retired_at
    assert "looked at as they are" in page_of(engineer, plant)


def test_optics_that_do_not_fit_the_newest_photo_are_told(plant, engineer):
    row = make.OpticsFactory(station=plant.station)
    assert "its inspection fails" not in page_of(engineer, plant)
    Optics.objects.filter(pk=row.pk).update(width=800)
    assert "set up for 800 × 480; its inspection fails" in page_of(engineer, plant)


def test_a_viewer_sees_and_is_offered_nothing_to_change(plant, viewer):
    make.OpticsFactory(station=plant.station)
    page = page_of(viewer, plant)
    assert "corrected, 5 coefficients" in page
    assert "<form class=" not in page
    assert reverse("retire-optics", args=[plant.station.pk]) not in page


def test_an_inspection_says_what_its_photo_went_through(plant, engineer):
    address = reverse("inspection", args=[plant.inspection.pk])
    assert "lens corrected" not in text(engineer.get(address))
    row = make.OpticsFactory(station=plant.station, region=[9, 9, 99, 98], denoise=7)
    Image.objects.filter(pk=plant.image.pk).update(optics=row)
    page = text(engineer.get(address))
    for words in ("lens corrected", "region 99 × 98", "denoised 7 %"):
        assert words in page


def test_a_photo_of_another_size_leads_to_its_camera(plant, engineer):
    Inspection.objects.update(state="failed", error_code="camera_mismatch")
    plant.inspection.defects.all().delete()
    address = reverse("inspection", args=[plant.inspection.pk])
    page = text(engineer.get(address))
    assert "another size than this station" in page
    assert reverse("camera", args=[plant.station.pk]) in page


def pixels(answer):
    assert answer.status_code == 200
    return np.asarray(Pillow.open(io.BytesIO(b"".join([answer.content]))))


def test_the_newest_photo_is_shown_as_a_detector_sees_it(plant, engineer):
    """A cross where the lens put it, and the region around it."""
    row = make.OpticsFactory(station=plant.station, region=[300, 220, 44, 42])
    photo = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(photo, (322, 241), 6, (255, 255, 255), -1)
    make.media_path(plant.image.file).write_bytes(cv2.imencode(".png", photo)[1])
    page = page_of(engineer, plant)
    address = f"{reverse('image-seen', args=[plant.image.pk])}?optics={row.pk}"
    assert address in page
    seen = pixels(engineer.get(address))
    assert seen.shape == (42, 44, 3)
    rows, columns = np.nonzero(seen[..., 0] > 128)
    assert abs(columns.mean() - 22) < 1
    assert abs(rows.mean() - 21) < 1
    assert pixels(engineer.get(f"{address}&w=320")).shape == (21, 22, 3)


def test_a_small_region_of_a_large_photo_has_a_pixel_left(plant, engineer):
    """Of 76 to 108 in 8000, made 160 wide, both round to the second pixel."""
    size = {"width": 8000, "height": 64}
    Image.objects.filter(pk=plant.image.pk).update(**size)
    row = make.OpticsFactory(
        station=plant.station, camera=[], distortion=[], region=[76, 32, 32, 32], **size
    )
    photo = np.zeros((64, 8000, 3), np.uint8)
    make.media_path(plant.image.file).write_bytes(cv2.imencode(".png", photo)[1])
    address = f"{reverse('image-seen', args=[plant.image.pk])}?optics={row.pk}"
    assert pixels(engineer.get(f"{address}&w=160")).shape == (1, 1, 3)


def test_what_does_not_fit_is_not_shown(plant, engineer, stranger):
    row = make.OpticsFactory(station=plant.station, width=800)
    address = reverse("image-seen", args=[plant.image.pk])
    assert address not in page_of(engineer, plant)
    for named in (row.pk, "x", plant.image.pk):
        assert engineer.get(f"{address}?optics={named}").status_code == 404
    assert pixels(engineer.get(address)).shape == (480, 640, 3), "it has none"
    foreign = make.OpticsFactory(
        station=make.StationFactory(line__site=make.SiteFactory(code="S2"))
    )
    assert engineer.get(f"{address}?optics={foreign.pk}").status_code == 404


@pytest.mark.parametrize(
    ("lens", "region", "folded"),
    [
        ([-0.25, 0.08, 0.0, 0.0, 0.0], [], False),
        ([0.4, 0.1, 0.0, 0.0, 0.0], [], False),
        ([-0.9, 0.0, 0.0, 0.0, 0.0], [], True),
        ([-0.9, 0.0, 0.0, 0.0, 0.0], [220, 140, 200, 200], False),
    ],
)
def test_a_lens_that_folds_the_photo_is_told(plant, engineer, lens, region, folded):
    make.OpticsFactory(station=plant.station, distortion=lens, region=region)
    assert ("shows places of the photo twice" in page_of(engineer, plant)) is folded
