"""Photos of one unknown unit, sent at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from tests.api.at_once import answers, closing
from tests.api.cameras import photo, upload
from traceability.catalog.models import Station
from traceability.inspection.models import Image
from traceability.production.models import Unit


@pytest.mark.django_db(transaction=True)
def test_a_placeholder_that_another_upload_is_making_is_waited_for(
    camera: APIClient, station: Station
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time: the second one sees the first")

    def another() -> tuple[int, bool]:
        response = upload(camera, photo(seed=2))
        return response.status_code, response.json()["unit_registered"]

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            upload(camera, photo(seed=1))
            second = pool.submit(closing(another))
            with pytest.raises(TimeoutError):
                second.result(timeout=1)
        assert second.result(timeout=20) == (202, False)
    assert {image.unit for image in Image.objects.all()} == {Unit.objects.get()}


@pytest.mark.django_db(transaction=True)
def test_photos_sent_at_once_make_one_placeholder(
    camera: APIClient, station: Station
) -> None:
    def one(seed: int) -> int:
        return upload(camera, photo(seed=seed)).status_code

    assert answers(one, range(12)) == {202}
    assert Unit.objects.count() == 1
    assert Image.objects.count() == 12
