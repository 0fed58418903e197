"""Errors have one shape, whatever the address and whoever refuses."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client, RequestFactory

from tests.api.cameras import photo
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
