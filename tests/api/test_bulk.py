"""What an MES pushes: upserted by natural key, row by row, safely twice."""

from __future__ import annotations

import pytest

from tests.api.cameras import client_with
from traceability.accounts.models import Scope
from traceability.catalog.models import Equipment, ProcessParameter, Site, Supplier
from traceability.production.models import (
    Consumption,
    EquipmentEvent,
    MaterialLot,
    OperationRun,
    Unit,
)

pytestmark = pytest.mark.django_db
AT = "2026-03-11T08:00:00+08:00"


def push(client, resource, rows):
    return client.post(f"/api/v1/{resource}/bulk", rows, format="json")


def statuses(response):
    assert response.status_code == 200, response.content
    return [result["status"] for result in response.json()["results"]]


FACTORY = [
    ("lines", [{"code": "L1"}]),
    ("operations", [{"code": "ETCH", "sequence": 10}, {"code": "AOI"}]),
    ("stations", [{"code": "AOI-1", "line": "L1", "operation": "AOI"}]),
    ("products", [{"code": "P1", "name": "Board"}]),
    ("equipment", [{"code": "E1", "operation": "ETCH", "commissioned_at": AT}]),
    ("parameters", [{"operation": "ETCH", "code": "temp", "upper_limit": 50.5}]),
    ("materials", [{"code": "FILM"}]),
    ("material-lots", [{"material": "FILM", "number": "F-1", "supplier": "SUP"}]),
    ("batches", [{"number": "B1", "product": "P1"}]),
    ("units", [{"serial": "U1", "product": "P1", "batch": "B1", "line": "L1"}]),
    (
        "operation-runs",
        [
            {
                "unit": "U1",
                "operation": "ETCH",
                "equipment": "E1",
                "operator": "OP-1",
                "started_at": AT,
                "readings": {"temp": 48.25},
            }
        ],
    ),
    (
        "consumptions",
        [{"unit": "U1", "operation": "ETCH", "material": "FILM", "lot": "F-1"}],
    ),
    ("equipment-events", [{"equipment": "E1", "at": AT, "kind": "maintenance"}]),
]


@pytest.fixture
def factory(mes):
    for resource, rows in FACTORY:
        assert set(statuses(push(mes, resource, rows))) == {"created"}, resource
    return mes


def test_a_factory_is_pushed_by_natural_keys(factory):
    run = OperationRun.objects.get()
    assert (run.unit.serial, run.operation.code, run.run_no) == ("U1", "ETCH", 1)
    assert run.equipment.code == "E1"
    assert run.readings == {"temp": 48.25}
    assert MaterialLot.objects.get().supplier == Supplier.objects.get(code="SUP")
    assert Consumption.objects.get().lot.number == "F-1"
    assert EquipmentEvent.objects.get().equipment.code == "E1"


@pytest.mark.parametrize(("resource", "rows"), FACTORY)
def test_the_same_push_again_changes_nothing(factory, resource, rows):
    assert set(statuses(push(factory, resource, rows))) == {"unchanged"}


def test_only_the_given_fields_change(factory):
    response = push(factory, "units", [{"serial": "U1", "completed_at": AT}])
    assert statuses(response) == ["updated"]
    unit = Unit.objects.get()
    assert unit.product.code == "P1"
    assert unit.completed_at is not None


def test_null_takes_a_reference_away(factory):
    assert statuses(push(factory, "units", [{"serial": "U1", "batch": None}])) == [
        "updated"
    ]
    assert Unit.objects.get().batch is None


def test_readings_merge_and_null_removes_one(factory):
    row = {"unit": "U1", "operation": "ETCH", "readings": {"speed": 2}}
    assert statuses(push(factory, "operation-runs", [row])) == ["updated"]
    row["readings"] = {"temp": None}
    assert statuses(push(factory, "operation-runs", [row])) == ["updated"]
    assert OperationRun.objects.get().readings == {"speed": 2.0}


def test_rework_is_the_next_run(factory):
    row = {"unit": "U1", "operation": "ETCH", "run_no": 2}
    assert statuses(push(factory, "operation-runs", [row])) == ["created"]
    assert OperationRun.objects.count() == 2


def test_good_rows_are_written_beside_rejected_ones(factory):
    rows = [
        {"serial": "U2", "product": "P1"},
        {"serial": "U3", "product": "NOPE"},
        {"serial": ""},
        {"seriall": "U4"},
        "not an object",
        {"serial": "U5", "completed_at": "2026-03-11T08:00:00"},
    ]
    response = push(factory, "units", rows)
    assert statuses(response) == ["created", *["rejected"] * 5]
    results = response.json()["results"]
    assert results[1]["code"] == "unknown_reference"
    assert "'NOPE'" in results[1]["fields"]["product"][0]
    assert results[1]["external_id"] == "U3"
    assert results[2]["fields"]["serial"]
    assert results[3]["fields"]["seriall"]
    assert "zone" in results[5]["fields"]["completed_at"][0]
    assert all(result["hint"] for result in results[1:])
    assert response.json()["counts"] == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": 5,
    }
    assert set(Unit.objects.values_list("serial", flat=True)) == {"U1", "U2"}


def test_a_later_row_for_the_same_key_wins(mes):
    rows = [{"code": "P1", "name": "old"}, {"code": "P1", "name": "new"}]
    assert statuses(push(mes, "products", rows)) == ["created", "updated"]
    assert mes.post("/api/v1/products/bulk", rows[1:]).json()["counts"]["unchanged"]


def test_a_placeholder_becomes_a_registered_unit(factory, site):
    from traceability.production.services import placeholder

    placeholder(site.pk, "SEEN").save()
    assert statuses(push(factory, "units", [{"serial": "SEEN"}])) == ["updated"]
    assert Unit.objects.get(serial="SEEN").registered


@pytest.mark.parametrize(
    "readings",
    [{"temp": "hot"}, {"temp": True}, {"temp": [1]}, {"temp": {}}, [1, 2], "x"],
)
def test_readings_must_be_numbers(factory, readings):
    row = {"unit": "U1", "operation": "ETCH", "readings": readings}
    response = push(factory, "operation-runs", [row])
    assert statuses(response) == ["rejected"]
    assert response.json()["results"][0]["fields"]["readings"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_no_reading_is_infinite(factory, number):
    text = (
        '[{"unit": "U1", "operation": "ETCH", "readings": {"temp": %s}}]' % number  # noqa: UP031
    )
    response = factory.post(
        "/api/v1/operation-runs/bulk", text, content_type="application/json"
    )
    if response.status_code == 200:
        assert statuses(response) == ["rejected"]
    else:
        assert response.status_code == 400
    assert OperationRun.objects.get().readings == {"temp": 48.25}


def test_limits_in_the_wrong_order_are_refused_and_half_limits_too(factory):
    row = {"operation": "ETCH", "code": "temp", "lower_limit": 60, "upper_limit": 50}
    assert statuses(push(factory, "parameters", [row])) == ["rejected"]
    assert ProcessParameter.objects.get().lower_limit is None


def test_a_limit_that_contradicts_the_stored_one_is_refused(factory):
    row = {"operation": "ETCH", "code": "temp", "lower_limit": 60}
    response = push(factory, "parameters", [row])
    assert statuses(response) == ["rejected"]
    assert response.json()["results"][0]["fields"]["lower_limit"]


@pytest.mark.parametrize("body", [{}, "x", None, 7])
def test_anything_but_a_list_is_refused(mes, body):
    response = mes.post("/api/v1/units/bulk", body, format="json")
    assert response.status_code in {400, 422}
    assert response.json()["code"]


def test_too_many_rows_are_refused(mes, monkeypatch):
    monkeypatch.setattr("traceability.ingest.bulk.MAX_ROWS", 2)
    response = push(mes, "products", [{"code": str(i)} for i in range(3)])
    assert response.status_code == 413
    assert response.json()["hint"]


def test_sites_do_not_see_each_other(factory):
    other = client_with(Site.objects.create(code="S2", name="Two"), Scope.INGEST)
    response = push(other, "operations", [{"code": "ETCH"}])
    assert statuses(response) == ["created"]
    row = {"code": "E1", "operation": "ETCH"}
    assert statuses(push(other, "equipment", [row])) == ["created"]
    assert Equipment.objects.filter(code="E1").count() == 2
    response = push(
        other, "equipment-events", [{"equipment": "E9", "at": AT, "kind": "x"}]
    )
    assert statuses(response) == ["rejected"]


def test_a_camera_key_may_not_push(site):
    camera = client_with(site, Scope.UPLOAD)
    assert push(camera, "products", [{"code": "P"}]).status_code == 403


def test_many_rows_take_few_queries(mes, django_assert_max_num_queries):
    rows = [{"serial": f"U{i}"} for i in range(2000)]
    with django_assert_max_num_queries(60):
        response = push(mes, "units", rows)
    assert response.json()["counts"]["created"] == 2000


def test_every_unknown_reference_of_a_row_is_named(factory):
    row = {"serial": "U9", "product": "X", "batch": "Y", "line": "Z"}
    response = push(factory, "units", [row])
    assert set(response.json()["results"][0]["fields"]) == {"product", "batch", "line"}


def test_a_rejected_row_makes_no_supplier(factory):
    row = {"material": "NOPE", "number": "L", "supplier": "GHOST"}
    assert statuses(push(factory, "material-lots", [row])) == ["rejected"]
    assert not Supplier.objects.filter(code="GHOST").exists()


def test_null_empties_a_text(factory):
    row = {"unit": "U1", "operation": "ETCH", "operator": None, "shift": None}
    assert statuses(push(factory, "operation-runs", [row])) == ["updated"]
    assert OperationRun.objects.get().operator == ""


@pytest.mark.parametrize(
    ("resource", "key"),
    [
        ("operation-runs", {"unit": "U1", "operation": "ETCH"}),
        ("batches", {"number": "B1"}),
    ],
)
def test_an_end_before_its_start_is_refused(factory, resource, key):
    times = {"started_at": "2026-03-11T08:00:00Z", "ended_at": "2026-03-11T07:00:00Z"}
    response = push(factory, resource, [{**key, **times}])
    assert statuses(response) == ["rejected"]
    assert response.json()["results"][0]["fields"]["ended_at"]


def test_a_serial_that_was_not_utf8_is_refused(factory):
    response = push(factory, "units", [{"serial": "\ufffd\ufffd1"}])
    assert statuses(response) == ["rejected"]
