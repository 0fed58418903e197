"""Errors have one shape, whatever the address and whoever refuses."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.http import HttpRequest, UnreadablePostError
from django.test import Client, RequestFactory

from tests.api.cameras import photo, upload
from traceability import handlers

pytestmark = pytest.mark.django_db
KEYS = {"code", "message", "hint", "fields", "request_id"}


def envelope(response, status, code):
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == KEYS
    assert body["code"] == code
    assert body["hint"]
    assert body["request_id"] == response["X-Request-ID"]
    return body


@pytest.fixture
def without_database(monkeypatch):
    """The server is gone when a view asks it for the first time."""

    def fail(*args, **kwargs):
        raise OperationalError("secret detail")

    monkeypatch.setattr("traceability.api.inspections.inspections_of", fail)


@pytest.fixture
def broken(monkeypatch):
    """A client for which the first thing that any view asks breaks."""

    def fail(*args, **kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("traceability.api.inspections.inspections_of", fail)
    monkeypatch.setattr("traceability.dashboards.session.SignIn.get", fail)
    return Client(raise_request_exception=False)


def test_an_unknown_address_of_the_api(client):
    envelope(client.get("/api/v1/nothing/"), 404, "not_found")
    envelope(client.post("/api/nothing"), 404, "not_found")


def test_an_unknown_page(client):
    answer = client.get("/nothing/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_more_files_than_an_upload_may_have(camera, station):
    files = {
        f"image{n}": SimpleUploadedFile("p.jpg", photo(), "image/jpeg")
        for n in range(5)
    }
    answer = camera.post("/api/v1/inspections/", files, format="multipart")
    assert "4 files" in envelope(answer, 400, "too_many_files")["hint"]


def test_a_body_that_is_too_large(mes, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = mes.post("/api/v1/units/bulk", [{"serial": "S" * 99}])
    assert answer.status_code == 413
    assert set(answer.json()) == KEYS


def test_a_body_in_pieces_is_not_taken_for_an_empty_one(camera, station):
    """As clients send it that write a form while they make it."""
    answer = camera.post(
        "/api/v1/inspections/",
        CONTENT_LENGTH="",
        HTTP_TRANSFER_ENCODING="chunked",
        content_type="multipart/form-data; boundary=x",
    )
    assert "Content-Length" in envelope(answer, 411, "length_required")["hint"]


@pytest.mark.parametrize("charset", ["idna", "undefined", "zlib", "rot13", "punycode"])
@pytest.mark.parametrize(
    "form", ["multipart/form-data; boundary=x", "application/json"]
)
def test_a_charset_that_no_text_is_in(camera, client, charset, form):
    """Python has it, and fails in the middle of a form."""
    kind = f"{form}; charset={charset}"
    sent = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    for address in ("/api/v1/inspections/", "/api/v1/units/bulk"):
        answer = camera.generic("POST", address, sent, kind)
        assert "UTF-8" in envelope(answer, 415, "unsupported_charset")["hint"]
    assert client.generic("POST", "/sign-in/", sent, kind).status_code == 400


@pytest.mark.parametrize("charset", ["gbk", "ISO-8859-1", "utf-8", "not-known"])
def test_other_charsets_are_read(mes, charset):
    """An unknown one counts as none, as everywhere in Django."""
    kind = f"application/json; charset={charset}"
    rows = '[{"code": "P", "name": "P"}]'
    answer = mes.generic("POST", "/api/v1/products/bulk", rows, kind)
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize("address", ["/api/v1/inspections/", "/sign-in/"])
def test_a_body_larger_than_any_form_is_not_written_to_disk(
    client, address, monkeypatch
):
    """Nobody needs to be signed in for a form to be read."""
    monkeypatch.setattr(HttpRequest, "_load_post_and_files", pytest.fail)
    answer = client.post(address, {"a": "b"}, CONTENT_LENGTH=str(81 * 2**20))
    if address.startswith("/api/"):
        assert "80 MB" in envelope(answer, 413, "too_large")["hint"]
    assert answer.status_code in (400, 413)


def test_an_upload_that_breaks_off_is_not_our_fault(camera, station, monkeypatch):
    def silent(*_: object) -> None:
        raise UnreadablePostError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("traceability.api.inspections._read_form", silent)
    answer = upload(camera, photo())
    assert "broke off" in envelope(answer, 400, "parse_error")["message"]


def test_a_host_that_is_not_ours():
    stranger = Client(headers={"host": "evil.example"})
    envelope(stranger.get("/api/v1/problems"), 400, "bad_request")
    page = stranger.get("/sign-in")
    assert page.status_code == 400
    assert "This request cannot be read" in page.content.decode()


def test_a_broken_api(broken, reader):
    reader.raise_request_exception = False
    answer = reader.get("/api/v1/inspections/")
    envelope(answer, 500, "internal_error")
    assert "secret detail" not in answer.content.decode()


def test_without_a_database_a_caller_is_told_to_come_again(without_database, reader):
    answer = reader.get("/api/v1/inspections/")
    assert "Try again" in envelope(answer, 503, "unavailable")["hint"]
    assert "secret detail" not in answer.content.decode()


def test_a_broken_page(broken):
    answer = broken.get("/sign-in/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


def test_forbidden_by_what_is_not_the_api():
    request = RequestFactory().get("/api/v1/problems/")
    answer = handlers.permission_denied(request, PermissionDenied())
    assert answer.status_code == 403
    assert b"permission_denied" in answer.content


def test_too_large_says_how_large_it_may_be(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 2**20
    request = RequestFactory().post("/api/v1/units/bulk")
    answer = handlers.bad_request(request, RequestDataTooBig())
    assert answer.status_code == 413
    assert b"32 MB" in answer.content
