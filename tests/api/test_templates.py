"""Golden templates: who may send and see them, and which photo gets which."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image as Pillow

from tests.api.at_once import answers
from tests.api.cameras import client_with, photo, upload
from tests.api.test_errors import envelope
from tests.api.test_upload import bomb, stored_files
from traceability.accounts.models import Scope
from traceability.catalog.models import Line, Product, Site, Station
from traceability.inspection.models import GoldenTemplate, Image
from traceability.inspection.sweeping import sweep_orphans
from traceability.jobs.models import Job
from traceability.production.models import Unit

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/templates/"


@pytest.fixture
def product(site):
    return Product.objects.create(site=site, code="P1")


@pytest.fixture
def known(mes, product):
    """SN-1, the serial of uploads, is a unit of the product."""
    mes.post("/api/v1/units/bulk", [{"serial": "SN-1", "product": "P1"}])


@pytest.fixture
def other_site(db):
    return Site.objects.create(code="S2", name="Two")


@pytest.fixture
def stranger(other_site):
    """A key of another site that may do everything there."""
    return client_with(other_site, *Scope)


def picture(data):
    return SimpleUploadedFile("golden.png", data, "image/png")


def send(client, data, **changes):
    fields = {"product": "P1", "station": "AOI-1", "image": picture(data)} | changes
    given = {name: value for name, value in fields.items() if value}
    return client.post(ADDRESS, given, format="multipart")


def golden(seed=9, width=128, height=96):
    """Twice as large as the usual photo."""
    return photo(seed=seed, kind="PNG", width=width, height=height)


def test_a_template_is_stored_and_said(camera, station, product, media_root):
    data = golden()
    answer = send(camera, data)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["product"], body["station"]) == ("P1", "AOI-1")
    assert (body["width"], body["height"], body["size"]) == (128, 96, len(data))
    assert body["retired_at"] is None
    assert answer["Location"] == body["url"]
    row = GoldenTemplate.objects.get()
    assert (media_root / row.file).read_bytes() == data
    assert row.api_key.name == "test"


def test_the_same_bytes_again_change_nothing(camera, station, product, media_root):
    first, second = send(camera, golden()), send(camera, golden())
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(stored_files(media_root)) == 1


def test_a_new_one_retires_the_old_and_the_history_stays(camera, station, product):
    first = send(camera, golden(1)).json()
    second = send(camera, golden(2)).json()
    listed = camera.get(ADDRESS).json()["results"]
    assert [item["id"] for item in listed] == [second["id"], first["id"]]
    assert [item["retired_at"] is None for item in listed] == [True, False]
    assert send(camera, golden(1)).status_code == 201, "back to the first"


def test_each_product_and_station_has_its_own(camera, site, station, product):
    Product.objects.create(site=site, code="P2")
    Station.objects.create(site=site, line=station.line, code="AOI-2")
    for change in ({}, {"product": "P2"}, {"station": "AOI-2"}):
        assert send(camera, golden(), **change).status_code == 201
    rows = camera.get(ADDRESS, {"active": "true"}).json()["results"]
    assert len(rows) == 3
    for query, count in [("product=P2", 1), ("station=AOI-1", 2), ("product=no", 0)]:
        assert len(camera.get(f"{ADDRESS}?{query}").json()["results"]) == count


def test_a_misspelt_filter_is_refused(camera, station):
    envelope(camera.get(f"{ADDRESS}?prodct=P1"), 422, "invalid")


def test_a_long_list_is_paged(camera, station, product):
    for seed in range(3):
        send(camera, golden(seed))
    page = camera.get(f"{ADDRESS}?page_size=2").json()
    rest = camera.get(page["next"]).json()
    assert (len(page["results"]), len(rest["results"])) == (2, 1)


def test_a_retired_one_is_used_no_more(camera, station, product, known):
    body = send(camera, golden()).json()
    for _ in range(2):
        answer = camera.post(f"{body['url']}retire/")
        assert answer.status_code == 200
        assert answer.json()["retired_at"]
    assert upload(camera, photo()).json()["has_template"] is False


# Who may


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [("UPLOAD", 200, 201), ("READ", 200, 403), ("INGEST", 403, 403)],
)
def test_the_scopes_of_keys(site, camera, station, product, scope, reads, writes):
    body = send(camera, golden()).json()
    client = client_with(site, Scope[scope])
    assert client.get(ADDRESS).status_code == reads
    assert client.get(body["url"]).status_code == reads
    assert send(client, golden(2)).status_code == writes
    retired = client.post(f"{body['url']}retire/").status_code
    assert retired == {201: 200}.get(writes, writes)


def test_nobody_without_a_key(camera, station, product):
    url = send(camera, golden()).json()["url"]
    camera.credentials()
    for answer in (
        camera.get(ADDRESS),
        camera.get(url),
        send(camera, golden(2)),
        camera.post(f"{url}retire/"),
    ):
        envelope(answer, 401, "not_authenticated")
    assert GoldenTemplate.objects.get().retired_at is None


def test_another_site_sees_and_changes_nothing(camera, stranger, station, product):
    url = send(camera, golden()).json()["url"]
    assert stranger.get(ADDRESS).json()["results"] == []
    envelope(stranger.get(url), 404, "not_found")
    envelope(stranger.post(f"{url}retire/"), 404, "not_found")
    assert GoldenTemplate.objects.get().retired_at is None


@pytest.mark.parametrize("name", ["product", "station"])
def test_names_of_another_site_are_unknown(
    camera, other_site, station, product, media_root, name
):
    line = Line.objects.create(site=other_site, code="L1")
    Station.objects.create(site=other_site, line=line, code="THEIRS")
    Product.objects.create(site=other_site, code="THEIRS")
    body = envelope(send(camera, golden(), **{name: "THEIRS"}), 422, f"unknown_{name}")
    assert body["fields"][name]
    assert stored_files(media_root) == []


def test_a_person_of_the_site_reads_and_does_not_write(client, camera, site, station):
    from tests.dashboards import factories as make

    Product.objects.create(site=site, code="P1")
    url = send(camera, golden()).json()["url"]
    client.force_login(make.MembershipFactory(site=site).user)
    assert len(client.get(ADDRESS).json()["results"]) == 1
    assert client.post(f"{url}retire/").status_code == 403


# What may be sent


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"no picture", 422, "image_unreadable"),
        (golden()[:900], 422, "image_unreadable"),
        (bomb(), 413, "image_too_large"),
    ],
    ids=["text", "cut", "bomb"],
)
def test_a_bad_image_is_refused(
    camera, station, product, media_root, data, status, code
):
    body = envelope(send(camera, data), status, code)
    assert body["fields"]["image"]
    assert stored_files(media_root) == []
    assert not GoldenTemplate.objects.exists()


@pytest.mark.parametrize("name", ["product", "station", "image"])
def test_a_missing_field_is_named(camera, station, product, name):
    body = envelope(send(camera, golden(), **{name: None}), 422, "invalid")
    assert body["fields"][name]


def test_too_many_bytes_are_refused(camera, station, product, settings):
    settings.MAX_IMAGE_BYTES = 1000
    envelope(send(camera, golden()), 413, "image_too_large")


def test_a_full_disk_is_said(camera, station, product, settings, media_root):
    settings.MINIMUM_FREE_BYTES = 2**60
    envelope(send(camera, golden()), 507, "no_space")
    assert stored_files(media_root) == []


def test_a_failed_write_leaves_no_file(
    camera, station, product, media_root, monkeypatch
):
    def broken(**fields):
        raise RuntimeError("database gone")

    monkeypatch.setattr(GoldenTemplate.objects, "create", broken)
    with pytest.raises(RuntimeError):
        send(camera, golden())
    assert stored_files(media_root) == []


# Which photo gets which


def test_a_photo_takes_the_active_template_of_its_product_and_station(
    camera, station, known
):
    send(camera, golden(1))
    send(camera, golden(2))
    body = upload(camera, photo()).json()
    assert body["has_template"] is True
    active = GoldenTemplate.objects.get(retired_at__isnull=True)
    assert Image.objects.get().template == active.file


def test_a_photo_keeps_the_template_it_came_with(camera, station, known):
    send(camera, golden(1))
    upload(camera, photo())
    before = Image.objects.get().template
    send(camera, golden(2))
    assert Image.objects.get().template == before
    upload(camera, photo(seed=3))
    assert Image.objects.exclude(template=before).count() == 1


def test_the_template_sent_with_the_photo_goes_before_the_stored(
    camera, station, known, media_root
):
    send(camera, golden(1))
    upload(camera, photo(), image_of_template=picture(golden(2)))
    assert (media_root / Image.objects.get().template).read_bytes() == golden(2)


def test_a_unit_without_product_has_no_template(camera, station, product):
    send(camera, golden())
    assert upload(camera, photo()).json()["has_template"] is False


def test_another_station_has_no_template(camera, site, station, known):
    Station.objects.create(site=site, line=station.line, code="AOI-2")
    send(camera, golden())
    body = upload(camera, photo(), station="AOI-2").json()
    assert body["has_template"] is False


def test_a_sent_template_of_another_shape_is_refused(camera, station, media_root):
    wrong = picture(golden(width=64, height=64))
    answer = upload(camera, photo(), image_of_template=wrong)
    body = envelope(answer, 422, "template_mismatch")
    assert "64 × 64" in body["fields"]["image_of_template"][0]
    assert stored_files(media_root) == []


@pytest.mark.parametrize("size", [(128, 96), (512, 384), (640, 476)])
def test_a_sent_template_of_the_same_shape_may_have_another_size(camera, station, size):
    other = picture(golden(width=size[0], height=size[1]))
    answer = upload(camera, photo(256, 192), image_of_template=other)
    assert answer.status_code == 202


def test_a_sent_template_that_is_far_smaller_is_refused(camera, station, media_root):
    answer = upload(camera, photo(260, 195), image_of_template=picture(golden()))
    body = envelope(answer, 422, "template_mismatch")
    assert "too small" in body["fields"]["image_of_template"][0]
    assert stored_files(media_root) == []


def test_a_stored_template_that_is_far_smaller_is_told(camera, station, known):
    send(camera, golden())
    (warning,) = upload(camera, photo(260, 195)).json()["warnings"]
    assert warning["code"] == "template_mismatch"
    assert "too small" in warning["message"]


@pytest.mark.parametrize("size", [(1, 1), (63, 640), (640, 63)])
def test_a_template_of_a_few_pixels_is_refused(camera, station, product, size):
    tiny = golden(width=size[0], height=size[1])
    sent = upload(camera, photo(*size), image_of_template=picture(tiny))
    for answer, field in [(send(camera, tiny), "image"), (sent, "image_of_template")]:
        body = envelope(answer, 422, "template_small")
        assert "at least 64" in body["fields"][field][0]
    assert not GoldenTemplate.objects.exists()


def test_an_unreadable_template_retires_none(camera, station, product):
    """Pillow alone would take this one."""
    send(camera, golden())
    out = io.BytesIO()
    Pillow.open(io.BytesIO(golden(1))).save(out, "TIFF", compression="lzma")
    envelope(send(camera, out.getvalue()), 422, "image_unreadable")
    assert GoldenTemplate.objects.get().retired_at is None


@pytest.mark.parametrize("name", ["product", "station", "image"])
def test_a_field_sent_twice_is_refused(camera, station, product, name):
    one = {"product": "P1", "station": "AOI-1", "image": picture(golden())}
    twice = one | {name: [one[name], picture(golden(1)) if name == "image" else "P2"]}
    answer = camera.post(ADDRESS, twice, format="multipart")
    body = envelope(answer, 422, "invalid")
    assert "more than once" in body["fields"][name][0]


def test_a_photo_sent_twice_in_one_form_is_refused(camera, station):
    answer = upload(camera, photo(), serial=["SN-1", "SN-2"])
    assert list(envelope(answer, 422, "invalid")["fields"]) == ["serial"]


@pytest.mark.parametrize("word", ["maybe", "1", "True"])
def test_active_is_true_or_false(camera, station, word):
    body = envelope(camera.get(f"{ADDRESS}?active={word}"), 422, "invalid")
    assert body["fields"]["active"]


def test_only_retired_ones_can_be_asked_for(camera, station, product):
    send(camera, golden(1))
    send(camera, golden(2))
    for word in ("true", "false"):
        (row,) = camera.get(f"{ADDRESS}?active={word}").json()["results"]
        assert (row["retired_at"] is None) == (word == "true")


# The same id again


@pytest.mark.parametrize(
    ("first", "second", "warns"), [(1, 1, False), (1, 2, True), (1, 0, True)]
)
def test_the_same_id_with_another_template_says_that_it_was_ignored(
    camera, station, known, first, second, warns
):
    send(camera, golden(7))
    for seed in (first, second):
        sent = {"image_of_template": picture(golden(seed))} if seed else {}
        answer = upload(camera, photo(), external_id="x", **sent)
    codes = [warning["code"] for warning in answer.json()["warnings"]]
    assert codes == ["different_image_of_template_ignored"] * warns


def test_the_stored_template_is_no_part_of_what_was_sent(camera, station, known):
    send(camera, golden(7))
    for _ in range(2):
        answer = upload(camera, photo(), external_id="x")
    assert answer.json()["warnings"] == []
    late = upload(
        camera, photo(), external_id="x", image_of_template=picture(golden(1))
    )
    (warning,) = late.json()["warnings"]
    assert warning["code"] == "different_image_of_template_ignored"


def test_the_admin_shows_templates_and_images_and_changes_none(
    admin_client, camera, station, known
):
    send(camera, golden())
    upload(camera, photo())
    for row in (GoldenTemplate.objects.get(), Image.objects.get()):
        address = f"/admin/inspection/{row._meta.model_name}/{row.pk}/"
        assert admin_client.get(f"{address}change/").status_code == 200
        assert admin_client.post(f"{address}change/", {}).status_code == 403
        assert (
            admin_client.post(f"{address}delete/", {"post": "yes"}).status_code == 403
        )
    assert (GoldenTemplate.objects.count(), Image.objects.count()) == (1, 1)


def test_a_stored_template_of_another_shape_is_told(camera, station, known):
    send(camera, golden(width=64, height=64))
    (warning,) = upload(camera, photo()).json()["warnings"]
    assert warning["code"] == "template_mismatch"
    assert "64 × 64" in warning["message"]


# Files that several rows name


def test_no_sweep_takes_a_template(camera, station, known, media_root):
    send(camera, golden(1))
    upload(camera, photo())
    send(camera, golden(2))
    GoldenTemplate.objects.filter(retired_at__isnull=False).delete()
    assert sweep_orphans(older_than=dt.timedelta(seconds=-5)) == 0
    assert len(stored_files(media_root)) == 3
    Image.objects.all().delete()
    assert sweep_orphans(older_than=dt.timedelta(seconds=-5)) == 2
    assert len(stored_files(media_root)) == 1, "the active one"


def test_a_unit_that_the_mes_tells_of_meanwhile_has_its_products_template(
    camera, station, site, product, monkeypatch
):
    """Looked up in vain and told of a moment later: no placeholder is made."""
    from traceability.inspection import services

    assert send(camera, golden()).status_code == 201
    known = services.known_unit

    def a_moment_before(site_id, serial, *, strict):
        monkeypatch.setattr(services, "known_unit", known)
        assert known(site_id, serial, strict=strict) is None
        Unit.objects.create(
            site=site, serial=serial, product=product, received_at=timezone.now()
        )

    monkeypatch.setattr(services, "known_unit", a_moment_before)
    body = upload(camera, photo()).json()
    assert body["warnings"] == []
    assert body["unit_registered"]
    assert Image.objects.get().template == GoldenTemplate.objects.get().file
    assert Job.objects.get().arguments["inspection"] == body["id"]


def test_an_upload_that_fails_leaves_the_shared_template(
    camera, station, known, media_root, monkeypatch
):
    from traceability.jobs.services import Draft

    def broken(*args, **kwargs):
        raise RuntimeError("database gone")

    send(camera, golden())
    monkeypatch.setattr(Draft, "enter", broken)
    with pytest.raises(RuntimeError):
        upload(camera, photo())
    assert len(stored_files(media_root)) == 1


@pytest.mark.django_db(transaction=True)
def test_templates_sent_at_once_leave_one_in_use(camera, station, product, media_root):
    def one(seed):
        return send(camera, golden(seed % 4)).status_code

    assert answers(one, range(12)) <= {200, 201}
    assert GoldenTemplate.objects.filter(retired_at__isnull=True).count() == 1
    assert len(stored_files(media_root)) == GoldenTemplate.objects.count()
