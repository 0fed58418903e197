"""What a camera may send, what is refused, and that nothing is left of a refusal."""

from __future__ import annotations

import base64
import datetime as dt
import io
import zlib

import pytest
from django.utils import timezone
from PIL import Image as Pillow

from tests.api.cameras import client_with, photo, upload
from traceability.accounts.models import ApiKey, Scope
from traceability.accounts.services import create_api_key
from traceability.inspection.models import Image, Inspection
from traceability.jobs.models import Job
from traceability.production.models import Unit

pytestmark = pytest.mark.django_db


def stored_files(root):
    return [path for path in root.rglob("*") if path.is_file()]


def assert_nothing_stored(root):
    assert not Image.objects.exists()
    assert not Inspection.objects.exists()
    assert not Job.objects.exists()
    assert not Unit.objects.exists()
    assert stored_files(root) == []


def assert_envelope(response, status, code, field=None):
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) == {"code", "message", "hint", "fields", "request_id"}
    assert body["code"] == code
    assert body["hint"]
    assert body["request_id"] == response["X-Request-ID"]
    if field:
        assert body["fields"][field]


def test_an_upload_is_stored_and_waits_for_a_worker(camera, station, media_root):
    data = photo()
    response = upload(camera, data)
    assert response.status_code == 202
    body = response.json()
    assert response["Location"] == body["url"]
    assert body["state"] == "pending"
    image = Image.objects.get()
    assert (media_root / image.file).read_bytes() == data
    assert (image.width, image.height) == (64, 48)
    job = Job.objects.get()
    assert (job.task, job.queue) == ("inference_worker.inspect", "inspect")
    assert job.arguments["inspection"] == body["id"]


def test_the_location_reads_the_inspection_back(camera, station):
    body = upload(camera, photo()).json()
    again = camera.get(body["url"]).json()
    assert again["id"] == body["id"]
    assert again["serial"] == "SN-1"


def test_an_unknown_serial_becomes_a_placeholder_with_a_warning(camera, station):
    body = upload(camera, photo()).json()
    assert [warning["code"] for warning in body["warnings"]] == ["unknown_serial"]
    assert body["unit_registered"] is False
    assert Unit.objects.get().registered is False


def test_a_known_serial_gives_no_warning(camera, mes, station):
    mes.post("/api/v1/units/bulk", [{"serial": "SN-1"}])
    assert upload(camera, photo()).json()["warnings"] == []


def test_strict_mode_refuses_unknown_serials(camera, station, settings, media_root):
    settings.STRICT_SERIALS = True
    response = upload(camera, photo())
    assert_envelope(response, 422, "unknown_serial", "serial")
    assert_nothing_stored(media_root)


@pytest.mark.parametrize("name", ["external_id", "Idempotency-Key"])
def test_the_same_upload_twice_is_one_inspection(camera, station, name, media_root):
    data, key = photo(), "cam-7/000123"
    arguments = (
        {"external_id": key}
        if name == "external_id"
        else {"headers": {"Idempotency-Key": key}}
    )
    first = upload(camera, data, **arguments)
    second = upload(camera, data, **arguments)
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    assert second.json()["warnings"] == []
    assert Inspection.objects.count() == 1
    assert len(stored_files(media_root)) == 1


def test_the_same_id_for_another_unit_says_that_it_was_ignored(camera, station):
    data = photo()
    upload(camera, data, external_id="x")
    second = upload(camera, data, external_id="x", serial="SN-2")
    codes = [warning["code"] for warning in second.json()["warnings"]]
    assert codes == ["different_serial_ignored"]
    assert not Unit.objects.filter(serial="SN-2").exists()


def test_a_jpeg_with_a_second_frame_is_a_jpeg(camera, station):
    out = io.BytesIO()
    frame = Pillow.open(io.BytesIO(photo()))
    frame.save(out, "MPO", save_all=True, append_images=[frame])
    assert upload(camera, out.getvalue()).status_code == 202
    assert Image.objects.get().media_type == "image/jpeg"


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_of_32_bits_are_refused(camera, station, media_root, mode):
    out = io.BytesIO()
    Pillow.new(mode, (32, 32)).save(out, "TIFF")
    response = upload(camera, out.getvalue())
    assert_envelope(response, 422, "image_unreadable", "image")
    assert_nothing_stored(media_root)


def test_a_misspelt_filter_is_refused(reader, station):
    response = reader.get("/api/v1/inspections/?serail=SN-1")
    assert_envelope(response, 422, "invalid", "serail")


@pytest.mark.parametrize("position", ["p=abc", "p=%00", "p=0001-01-01T00:00:00+14:00"])
def test_a_forged_cursor_is_not_found(reader, station, position):
    cursor = base64.b64encode(position.encode()).decode()
    response = reader.get("/api/v1/inspections/", {"cursor": cursor})
    assert_envelope(response, 404, "not_found")


def test_the_same_id_with_another_image_says_that_it_was_ignored(camera, station):
    upload(camera, photo(seed=1), external_id="x")
    second = upload(camera, photo(seed=2), external_id="x")
    assert second.status_code == 200
    codes = [warning["code"] for warning in second.json()["warnings"]]
    assert codes == ["different_image_ignored"]


def test_another_key_may_use_the_same_external_id(camera, site, station):
    other = client_with(site, Scope.UPLOAD)
    assert upload(camera, photo(), external_id="x").status_code == 202
    assert upload(other, photo(), external_id="x").status_code == 202


def test_a_text_file_named_jpg_is_refused(camera, station, media_root):
    response = upload(camera, b"this is not an image at all")
    assert_envelope(response, 422, "image_unreadable", "image")
    assert_nothing_stored(media_root)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_a_truncated_image_is_refused(camera, station, media_root, kind):
    data = photo(kind=kind)
    response = upload(camera, data[: len(data) // 2])
    assert_envelope(response, 422, "image_unreadable", "image")
    assert_nothing_stored(media_root)


def bomb(side=14_000):
    """A small PNG that would need `side`² × 3 bytes of memory."""
    rows = zlib.compress(b"\0" * (side * 3 + 1) * side, 9)

    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)

    size = side.to_bytes(4)
    header = chunk(b"IHDR", size + size + bytes([8, 2, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def png_bomb():
    return bomb()


def test_a_bomb_is_refused_from_its_header(
    camera, station, media_root, png_bomb, monkeypatch
):
    def decoded(*args):
        raise AssertionError("the bomb was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    assert_envelope(upload(camera, png_bomb), 413, "image_too_large", "image")
    assert_nothing_stored(media_root)


def test_too_many_bytes_are_refused(camera, station, media_root, settings):
    settings.MAX_IMAGE_BYTES = 1000
    response = upload(camera, photo(640, 640))
    assert_envelope(response, 413, "image_too_large", "image")
    assert_nothing_stored(media_root)


def test_an_unknown_station_is_refused(camera, station, media_root):
    response = upload(camera, photo(), station="nowhere")
    assert_envelope(response, 422, "unknown_station", "station")
    assert_nothing_stored(media_root)


def test_a_station_of_another_site_is_unknown(station, media_root):
    from traceability.catalog.models import Site

    stranger = client_with(Site.objects.create(code="S2", name="Two"), Scope.UPLOAD)
    response = upload(stranger, photo())
    assert_envelope(response, 422, "unknown_station", "station")


@pytest.mark.parametrize("key", ["nonsense", "abc.def", "abcdef12." + "x" * 43, "."])
def test_a_wrong_key_is_refused(camera, station, media_root, key):
    camera.credentials(HTTP_AUTHORIZATION=f"Api-Key {key}")
    assert_envelope(upload(camera, photo()), 401, "authentication_failed")
    assert_nothing_stored(media_root)


def test_no_key_is_refused(camera, station, media_root):
    camera.credentials()
    response = upload(camera, photo())
    assert_envelope(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Api-Key"


@pytest.mark.parametrize("change", ["revoked_at", "expires_at"])
def test_a_dead_key_is_refused(camera, station, change):
    ApiKey.objects.update(**{change: timezone.now() - dt.timedelta(seconds=1)})
    assert upload(camera, photo()).status_code == 401


def test_a_key_without_the_scope_is_refused(mes, station, media_root):
    assert_envelope(upload(mes, photo()), 403, "permission_denied")
    assert_nothing_stored(media_root)


def test_secrets_are_not_kept(site):
    key, text = create_api_key(site, "camera", [Scope.UPLOAD])
    secret = text.partition(".")[2]
    stored = ApiKey.objects.filter(pk=key.pk).values().get()
    assert not [name for name, value in stored.items() if secret in str(value)]


def ahead(**delta):
    return (timezone.now() + dt.timedelta(**delta)).isoformat()


def test_a_clock_a_little_ahead_is_accepted_and_flagged(camera, station):
    response = upload(camera, photo(), captured_at=ahead(hours=23))
    assert response.status_code == 202
    assert response.json()["clock_ahead"] is True
    assert "clock_ahead" in [w["code"] for w in response.json()["warnings"]]


def test_a_clock_beyond_the_limit_is_refused(camera, station, media_root):
    response = upload(camera, photo(), captured_at=ahead(hours=25))
    assert_envelope(response, 422, "captured_in_future", "captured_at")
    assert_nothing_stored(media_root)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("captured_at", "yesterday"),
        ("captured_at", "2026-03-11T08:00:00"),
        ("captured_at", None),
        ("serial", None),
        ("serial", "x" * 101),
        ("serial", "a\x07b"),
        ("station", None),
        ("image", None),
        ("external_id", "x" * 201),
    ],
)
def test_a_wrong_field_is_named(camera, station, media_root, field, value):
    response = upload(camera, photo(), **{field: value})
    assert response.status_code == 422
    assert response.json()["fields"][field]
    assert_nothing_stored(media_root)


def test_a_full_disk_is_said_and_nothing_is_stored(camera, station, settings):
    settings.MINIMUM_FREE_BYTES = 2**60
    assert_envelope(upload(camera, photo()), 507, "no_space")
    assert_nothing_stored(settings.MEDIA_ROOT)


def test_json_instead_of_multipart_is_refused(camera, station):
    response = camera.post("/api/v1/inspections/", {"serial": "x"})
    assert_envelope(response, 415, "unsupported_media_type")


def test_a_file_name_never_reaches_the_disk(camera, station, media_root):
    from django.core.files.uploadedfile import SimpleUploadedFile

    evil = SimpleUploadedFile("../../evil.jpg", photo(), "image/jpeg")
    assert upload(camera, photo(), image=evil).status_code == 202
    assert [path.name for path in stored_files(media_root)] == [
        Image.objects.get().file.rpartition("/")[2]
    ]


def test_a_template_travels_with_the_image(camera, station, media_root):
    from django.core.files.uploadedfile import SimpleUploadedFile

    template = SimpleUploadedFile("t.png", photo(128, 96, kind="PNG"), "image/png")
    assert upload(camera, photo(), image_of_template=template).status_code == 202
    assert (media_root / Image.objects.get().template).read_bytes().startswith(b"\x89P")


def test_a_failed_write_leaves_no_file(camera, station, media_root, monkeypatch):
    from traceability.jobs.services import Draft

    def broken(*args, **kwargs):
        raise RuntimeError("database gone")

    monkeypatch.setattr(Draft, "enter", broken)
    with pytest.raises(RuntimeError):
        upload(camera, photo())
    assert_nothing_stored(media_root)


def test_a_template_that_finds_no_room_takes_its_photo_along(
    camera, station, media_root, monkeypatch
):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from traceability.inspection import media
    from traceability.lib.errors import NoSpace

    store = media.store

    def full_after_one(data, at):
        if stored_files(media_root):
            raise NoSpace("full")
        return store(data, at)

    monkeypatch.setattr(media, "store", full_after_one)
    template = SimpleUploadedFile("t.png", photo(128, 96, kind="PNG"), "image/png")
    response = upload(camera, photo(), image_of_template=template)
    assert_envelope(response, 507, "no_space")
    assert_nothing_stored(media_root)


def test_files_that_no_row_names_are_swept(camera, station, media_root):
    from traceability.inspection import media
    from traceability.inspection.sweeping import sweep_orphans

    upload(camera, photo())
    orphan = media_root / media.store(b"lost", timezone.now())
    assert sweep_orphans() == 0, "it may belong to an upload that is under way"
    assert sweep_orphans(older_than=dt.timedelta(seconds=-5)) == 1
    assert not orphan.exists()
    assert len(stored_files(media_root)) == 1


def test_served_photos_are_reencoded(camera, station):
    from traceability.inspection.media import reencode

    polyglot = photo() + b"<script>alert(1)</script>"
    upload(camera, polyglot)
    served = reencode(Image.objects.get().file, width=32)
    assert b"<script>" not in served
    assert Pillow.open(io.BytesIO(served)).size == (32, 24)


def test_lists_are_filtered_and_belong_to_the_site(camera, reader, station):
    from traceability.catalog.models import Site

    upload(camera, photo(), external_id="a")
    upload(camera, photo(), external_id="b", serial="SN-2")
    found = reader.get("/api/v1/inspections/?serial=SN-2").json()["results"]
    assert [item["external_id"] for item in found] == ["b"]
    assert len(reader.get("/api/v1/inspections/").json()["results"]) == 2
    other = client_with(Site.objects.create(code="S2", name="Two"), Scope.READ)
    assert other.get("/api/v1/inspections/").json()["results"] == []
    foreign = Inspection.objects.first().pk
    response = other.get(f"/api/v1/inspections/{foreign}/")
    assert_envelope(response, 404, "not_found")


def test_a_photo_that_lies_on_its_side_is_measured_upright(camera, station):
    from traceability.inspection.media import reencode

    out = io.BytesIO()
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.open(io.BytesIO(photo(64, 48))).save(out, "JPEG", exif=exif)
    body = upload(camera, out.getvalue()).json()
    assert (body["width"], body["height"]) == (48, 64)
    served = reencode(Image.objects.get().file)
    assert Pillow.open(io.BytesIO(served)).size == (48, 64)
