"""The trace id of a photo: taken from its sender, told in answer and log lines."""

from __future__ import annotations

import logging
import re

import pytest
from rest_framework.test import APIClient

from tests.api.cameras import photo, upload
from traceability.catalog.models import Station
from traceability.inspection.models import Inspection
from traceability.lib.trace import TraceFilter, current_trace, trace_of, tracing

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        (f"00-{TRACE}-{SPAN}-01", TRACE),
        (f"00-{TRACE}-{SPAN}-00", TRACE),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", TRACE),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{TRACE[:-1]}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}", None),
        (f"cc-{TRACE}-{SPAN}-01x", None),
        ("", None),
    ],
)
def test_a_traceparent_is_read_as_w3c_has_it(header: str, trace: str | None) -> None:
    assert trace_of(header) == trace


def test_log_lines_carry_it_within_and_nothing_outside() -> None:
    def logged() -> str:
        record = logging.LogRecord("x", logging.INFO, "", 1, "m", None, None)
        assert TraceFilter().filter(record)
        return str(record.trace_id)  # type: ignore[attr-defined]

    with tracing(TRACE):
        assert logged() == TRACE
        with tracing(""):
            assert logged() == "-"
        assert logged() == TRACE
    assert logged() == "-"


@pytest.mark.django_db
def test_an_upload_is_answered_with_its_trace(
    camera: APIClient,
    station: Station,
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    response = upload(camera, photo(), headers=headers)
    assert response["X-Trace-ID"] == response.json()["trace_id"] == TRACE
    stored = Inspection.objects.get()
    assert stored.trace_id == TRACE
    assert set(stored.timings_ms) == {"receive", "check", "store"}
    assert current_trace().id == "-", "the next request begins anew"


@pytest.mark.django_db
def test_a_photo_that_comes_again_keeps_its_first_trace(
    camera: APIClient,
    station: Station,
) -> None:
    data = photo()
    first = upload(camera, data, external_id="E1")
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    again = upload(camera, data, headers=headers, external_id="E1")
    assert again.status_code == 200
    assert again["X-Trace-ID"] == again.json()["trace_id"] == first["X-Trace-ID"]


@pytest.mark.django_db
def test_a_refused_upload_has_one_too(camera: APIClient) -> None:
    response = upload(camera, b"no image")
    assert response.status_code == 422
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Trace-ID"])


@pytest.mark.django_db
def test_it_finds_its_photos(
    camera: APIClient,
    station: Station,
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    wanted = {
        upload(camera, photo(seed=n), headers=headers).json()["id"] for n in (1, 2)
    }
    upload(camera, photo(seed=3))
    listed = camera.get("/api/v1/inspections/", {"trace_id": TRACE})
    assert {one["id"] for one in listed.json()["results"]} == wanted
