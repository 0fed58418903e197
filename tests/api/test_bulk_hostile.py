"""What no MES should send: answered row by row or as an error, never as a 500."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, DataError, IntegrityError, OperationalError

from tests.api.test_bulk import AT, push, statuses
from traceability.catalog.models import Operation, Product, Supplier
from traceability.production.models import MaterialLot, OperationRun, Unit

pytestmark = pytest.mark.django_db
RUN = {"unit": "U1", "operation": "ETCH"}


@pytest.fixture
def etched(mes):
    push(mes, "operations", [{"code": "ETCH"}])
    push(mes, "units", [{"serial": "U1"}, {"serial": "U2"}])
    return mes


def send(client, resource, text):
    return client.post(
        f"/api/v1/{resource}/bulk", text, content_type="application/json"
    )


def assert_envelope(response, status):
    assert response.status_code == status, response.content
    assert set(response.json()) == {"code", "message", "hint", "fields", "request_id"}


@pytest.mark.parametrize(
    "name",
    ["", " ", "a\0b", "a\n", "a\tb", " temp", "x" * 101, "\ud800", "a\udfffb"],
)
def test_the_name_of_a_reading_is_a_code(etched, name):
    rows = [{**RUN, "readings": {name: 1.0}}, {**RUN, "unit": "U2"}]
    response = send(etched, "operation-runs", json.dumps(rows))
    assert statuses(response) == ["rejected", "created"]
    assert response.json()["results"][0]["fields"]["readings"]
    assert OperationRun.objects.get().unit.serial == "U2"


def test_a_reading_may_have_a_name_of_100_characters_in_any_script(etched):
    names = ["x" * 100, "温度", "bath temperature °C"]
    row = {**RUN, "readings": dict.fromkeys(names, 1)}
    assert statuses(push(etched, "operation-runs", [row])) == ["created"]
    assert set(OperationRun.objects.get().readings) == set(names)


@pytest.mark.parametrize("bad", ["\\ud800", "\\u0000", "a\\udc00b"])
@pytest.mark.parametrize(
    "row",
    [
        '{"serial": "%s"}',
        '{"serial": "S", "external_id": "%s"}',
        '{"serial": "S", "batch": "%s"}',
        '{"serial": "S", "completed_at": "%s"}',
        '{"serial": "S", "%s": 1}',
        '{"serial": {"%s": "%s"}}',
        '"%s"',
    ],
)
def test_text_that_no_database_keeps_is_refused_by_row(mes, bad, row):
    text = '[{"serial": "GOOD"}, ' + row.replace("%s", bad) + "]"
    assert statuses(send(mes, "units", text)) == ["created", "rejected"]
    assert Unit.objects.get().serial == "GOOD"


@pytest.mark.parametrize("row", [None, 1, "x", [], [[]], True, 1.5])
def test_a_row_that_is_no_object_is_refused_alone(mes, row):
    response = push(mes, "units", [row, {"serial": "GOOD"}])
    assert statuses(response) == ["rejected", "created"]
    assert response.json()["results"][0]["fields"]["non_field_errors"]


@pytest.mark.parametrize(
    "number", ["9" * 400, "-" + "9" * 400, "1e999", '"9"', "[" * 500 + "]" * 500]
)
def test_a_number_beyond_float_is_refused_by_row(etched, number):
    text = '[{"unit": "U1", "operation": "ETCH", "readings": {"t": %s}}, '
    text = text.replace("%s", number) + '{"unit": "U2", "operation": "ETCH"}]'
    assert statuses(send(etched, "operation-runs", text)) == ["rejected", "created"]


@pytest.mark.parametrize(
    "number",
    ["9" * 400, "9223372036854775808", "-1", "1e30", "1e999", "[" * 600 + "]" * 600],
)
@pytest.mark.parametrize(
    ("resource", "row"),
    [
        ("operations", '{"code": "NEW", "sequence": %s}'),
        ("operation-runs", '{"unit": "U1", "operation": "ETCH", "run_no": %s}'),
        ("parameters", '{"operation": "ETCH", "code": "%s", "external_id": {"a":%s}}'),
    ],
)
def test_a_whole_number_out_of_range_is_refused_by_row(etched, resource, row, number):
    text = "[" + row.replace("%s", number) + "]"
    assert statuses(send(etched, resource, text)) == ["rejected"]
    assert set(Operation.objects.values_list("code", flat=True)) == {"ETCH"}


@pytest.mark.parametrize("limit", ["9" * 400, "1e999"])
def test_a_limit_beyond_float_is_refused(etched, limit):
    text = '[{"operation": "ETCH", "code": "t", "upper_limit": %s}]'
    response = send(etched, "parameters", text.replace("%s", limit))
    assert statuses(response) == ["rejected"]


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+08:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-08:00",
        "9999-12-31T23:59:59Z",
        "2026-03-11T08:00:00+99:99",
        "1677-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_a_time_that_nobody_can_show_is_refused(etched, settings, moment, zone):
    settings.TIME_ZONE = zone
    rows = [{"serial": "U3", "completed_at": moment}, {"serial": "U4"}]
    response = push(etched, "units", rows)
    assert statuses(response) == ["rejected", "created"]
    assert response.json()["results"][0]["fields"]["completed_at"]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"a":' * 200_000,
        "[" * 200_000 + "]" * 200_000,
        "[NaN]",
        '[{"serial": Infinity}]',
        "[" + "9" * 5000 + "]",
        b"\xff\xfe[",
        "[",
    ],
)
def test_what_is_no_json_is_a_parse_error(mes, text):
    response = send(mes, "units", text)
    assert_envelope(response, 400)
    assert response.json()["code"] == "parse_error"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError, 422),
        (IntegrityError, 409),
        (OperationalError, 503),
        (DatabaseError, 503),
    ],
)
def test_an_error_of_the_database_writes_nothing(mes, monkeypatch, error, status):
    def fail(*args, **kwargs):
        raise error("secret detail")

    push(mes, "materials", [{"code": "M"}])
    push(mes, "material-lots", [{"material": "M", "number": "1"}])
    monkeypatch.setattr("django.db.models.query.QuerySet.bulk_update", fail)
    rows = [
        {"material": "M", "number": "2", "supplier": "NEW"},
        {"material": "M", "number": "1", "produced_at": AT},
    ]
    response = push(mes, "material-lots", rows)
    assert_envelope(response, status)
    assert "secret" not in response.content.decode()
    assert MaterialLot.objects.get().number == "1"
    assert not Supplier.objects.exists()


def test_a_row_that_appears_meanwhile_is_merged_onto(mes, site, monkeypatch):
    """What another push inserted between our look and our insert keeps its fields."""
    from traceability.ingest import store

    look = store.stored
    calls = []

    def late(*args, **kwargs):
        found = look(*args, **kwargs)
        if not calls:
            Product.objects.create(site=site, code="P", name="theirs")
        calls.append(args)
        return found

    monkeypatch.setattr(store, "stored", late)
    rows = [{"code": "P", "external_id": "7"}, {"code": "Q"}]
    assert statuses(push(mes, "products", rows)) == ["updated", "created"]
    product = Product.objects.get(code="P")
    assert (product.name, product.external_id) == ("theirs", "7")


def test_great_readings_sent_again_change_nothing(etched):
    row = {**RUN, "readings": {"great": 1e300, "small": 1e-300, "none": -0.0}}
    assert statuses(push(etched, "operation-runs", [row])) == ["created"]
    assert statuses(push(etched, "operation-runs", [row])) == ["unchanged"]
