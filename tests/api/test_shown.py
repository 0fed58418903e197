"""An inspection is shown as its serializer documents it, and by few queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import ModelSerializer
from rest_framework.test import APIClient, APIRequestFactory

from tests.api.cameras import photo, upload
from traceability.api.serializers import InspectionSerializer
from traceability.catalog.models import DefectClass, Station
from traceability.inspection.cameras import Optics
from traceability.inspection.models import (
    Defect,
    Image,
    Inspection,
    InspectionState,
    ModelVersion,
)
from traceability.production.models import Unit

pytestmark = pytest.mark.django_db
Queries = Callable[[int], AbstractContextManager[Any]]

FIRST_FAILED = {
    "state": InspectionState.FAILED,
    "error_code": "template_missing",
    "error_message": "There is no template for “P”.",
    "attempt": 3,
}


def finish(inspection: Inspection) -> None:
    """As a worker leaves one with two boxes."""
    version, _ = ModelVersion.objects.get_or_create(
        model="m", version="1", defaults={"first_used_at": timezone.now()}
    )
    Inspection.objects.filter(pk=inspection.pk).update(
        state=InspectionState.DONE,
        model_version=version,
        backend="openvino",
        precision="int8",
        timings_ms={"infer": 1.25, "queue": 3},
        defective=True,
        finished_at=timezone.now() + dt.timedelta(seconds=1),
    )
    for x in (1.5, 2):
        Defect.objects.create(
            inspection=inspection,
            defect_class=DefectClass.objects.get_or_create(code="open")[0],
            score=0.75,
            **{"x": x, "y": 2.5, "width": 3, "height": 4},
            **{f"relative_{n}": 0.125 for n in ("x", "y", "width", "height")},
        )


def dress(image: Image) -> None:
    """Give it what is optional."""
    optics = Optics.objects.create(
        station=image.station, width=64, height=48, created_at=timezone.now()
    )
    Image.objects.update(optics=optics, template="2026/t", external_id="cam/1")
    Unit.objects.update(registered=True)


def documented(inspection: Inspection, context: dict[str, Any]) -> dict[str, Any]:
    """What DRF itself makes of the fields."""
    serializer = InspectionSerializer(inspection, context=context)
    return ModelSerializer.to_representation(serializer, inspection)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
@pytest.mark.parametrize("kind", ["pending", "failed", "clean", "defective"])
def test_it_is_shown_as_documented(
    camera: APIClient, station: Station, zone: str, kind: str
) -> None:
    upload(camera, photo())
    inspection = Inspection.objects.get()
    if kind == "failed":
        Inspection.objects.update(finished_at=timezone.now(), **FIRST_FAILED)
    if kind in ("clean", "defective"):
        finish(inspection)
        dress(inspection.image)
    if kind == "clean":
        Defect.objects.all().delete()
        Inspection.objects.update(defective=False)
    inspection = Inspection.objects.get()
    context = {"request": APIRequestFactory().get("/api/v1/inspections/")}
    with timezone.override(zone):
        shown = InspectionSerializer(inspection, context=context).data
        wanted = documented(inspection, context)
    assert list(shown) == InspectionSerializer.Meta.fields
    assert shown == wanted
    assert JSONRenderer().render(shown) == JSONRenderer().render(wanted)


@pytest.mark.parametrize("prefer", ["", "wait=1"])
def test_an_upload_is_answered_as_it_is_read_back(
    camera: APIClient, station: Station, prefer: str
) -> None:
    answer = upload(camera, photo(), headers={"Prefer": prefer}).json()
    del answer["warnings"]
    assert answer == camera.get(answer["url"]).json()


def test_one_that_comes_again_is_answered_with_its_result(
    camera: APIClient, station: Station
) -> None:
    data = photo()
    upload(camera, data, external_id="cam/1")
    finish(Inspection.objects.get())
    dress(Image.objects.get())
    again = upload(camera, data, external_id="cam/1")
    assert again.status_code == 200
    answer = again.json()
    assert answer.pop("warnings") == []
    assert [defect["bbox"][0] for defect in answer["defects"]] == [1.5, 2]
    assert answer == camera.get(answer["url"]).json()


def test_an_upload_takes_few_queries(
    camera: APIClient, station: Station, django_assert_num_queries: Queries
) -> None:
    upload(camera, photo(), serial="known")  # notes that the key was used
    # The key, the station, the unit, the optics, three rows and a savepoint's two ends.
    known = 9
    with django_assert_num_queries(known):
        upload(camera, photo(), serial="known")
    with django_assert_num_queries(known + 1):  # the unit's row
        upload(camera, photo(), serial="new")
    with django_assert_num_queries(known + 1):  # was it the first of this id?
        upload(camera, photo(), serial="known", external_id="cam/1")
    with django_assert_num_queries(known + 1):  # the result
        upload(camera, photo(), serial="known", headers={"Prefer": "wait=1"})


def test_a_list_takes_no_more_queries_for_more_inspections(
    camera: APIClient,
    reader: APIClient,
    station: Station,
    django_assert_max_num_queries: Queries,
) -> None:
    for number in range(3):
        upload(camera, photo(seed=number))
        finish(Inspection.objects.get(state=InspectionState.PENDING))
    reader.get("/api/v1/inspections/")
    with django_assert_max_num_queries(5):
        listed = reader.get("/api/v1/inspections/").json()["results"]
    assert [len(one["defects"]) for one in listed] == [2, 2, 2]
