"""A stored template's whole way: REST, disk, a real worker process, a real network."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.toy_pair import jpeg, write_pair
from tests.factory import Factory, multipart

RED, GREEN = (0, 64, 96), (1, 320, 320)
BOTH = jpeg(RED, GREEN)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """Its model compares; the units SN-P1 and SN-P2 are of two products."""
    site = Factory(
        tmp_path_factory.mktemp("site"),
        {"CAUSELINE_MODEL": "toy-pair"},
        parts=("redis", "inspect", "clock", "web"),
    )
    write_pair(site.folder / "released")
    with site:
        codes = ["P1", "P2"]
        push(site, "products", [{"code": code} for code in codes])
        push(site, "units", [{"serial": f"SN-{c}", "product": c} for c in codes])
        yield site


def push(site: Factory, resource: str, rows: list[dict[str, str]]) -> None:
    answer = call(site, f"{resource}/bulk", json.dumps(rows).encode())
    assert answer["counts"]["created"] == len(rows)


def store(site: Factory, product: str, template: bytes) -> dict[str, Any]:
    body, kind = multipart({"product": product, "station": "CAM1"}, template)
    return call(site, "templates/", body, kind)


def call(
    site: Factory, path: str, body: bytes, kind: str = "application/json"
) -> dict[str, Any]:
    headers = {"Authorization": f"Api-Key {site.key}", "Content-Type": kind}
    request = urllib.request.Request(f"{site.group.url}/api/v1/{path}", body, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return dict(json.loads(answer.read()))


def seen(site: Factory, serial: str, photo: bytes = BOTH) -> list[str]:
    """The classes that the worker found on a new photo of the unit."""
    status, body = site.upload(photo, serial=serial, wait=10)
    assert (status, body["state"]) == (201, "done"), body
    return sorted(found["category"] for found in body["defects"])


def test_each_product_is_compared_with_its_own_template(site: Factory) -> None:
    store(site, "P1", jpeg(RED))
    store(site, "P2", jpeg(GREEN))
    assert seen(site, "SN-P1") == ["green"]
    assert seen(site, "SN-P2") == ["red"]


def test_a_new_template_counts_from_the_next_photo(site: Factory) -> None:
    store(site, "P1", BOTH)
    assert seen(site, "SN-P1") == []
    store(site, "P1", jpeg())
    assert seen(site, "SN-P1") == ["green", "red"]


def test_photo_and_template_are_not_exchanged(site: Factory) -> None:
    store(site, "P1", BOTH)
    assert seen(site, "SN-P1", jpeg(RED)) == []


def test_a_unit_without_product_fails_for_want_of_a_template(site: Factory) -> None:
    status, body = site.upload(BOTH, serial="SN-unknown", wait=10)
    assert (status, body["state"]) == (201, "failed")
    assert (body["error_code"], body["attempt"]) == ("template_missing", 1)
    assert "had no product" in body["error_message"]


def test_a_retired_template_is_missed(site: Factory) -> None:
    stored = store(site, "P2", jpeg(RED))
    call(site, f"templates/{stored['id']}/retire/", b"")
    body = site.upload(BOTH, serial="SN-P2", wait=10)[1]
    assert body["error_code"] == "template_missing"
