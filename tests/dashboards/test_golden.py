"""Golden templates on the pages: the list, and the one beside its photo."""

from __future__ import annotations

import io

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image as Pillow

from tests.dashboards import factories as make
from tests.dashboards.test_pages import text
from traceability.inspection.models import GoldenTemplate, Image, ModelVersion
from traceability.production.models import Unit


def beside(plant):
    return reverse("image-template", args=[plant.image.pk])


def looked_at(client, plant):
    return text(client.get(reverse("inspection", args=[plant.inspection.pk])))


def test_the_list_shows_each_product_at_its_station(plant, engineer):
    page = text(engineer.get("/templates/"))
    assert reverse("golden-image", args=[plant.golden.pk]) in page
    assert "Golden template of P1 at AOI-1" in page
    assert "640 × 480" in page


def test_retired_ones_are_shown_only_when_asked_for(plant, engineer):
    GoldenTemplate.objects.update(retired_at=timezone.now())
    assert not engineer.get("/templates/").context["templates"]
    assert len(engineer.get("/templates/?state=all").context["templates"]) == 1


@pytest.mark.parametrize(("name", "found"), [("product", 1), ("station", 2)])
def test_the_list_is_filtered(plant, engineer, name, found):
    make.GoldenTemplateFactory(
        station=plant.station, product=make.ProductFactory(code="P2")
    )
    chosen = getattr(plant.golden, name).pk
    page = engineer.get(f"/templates/?{name}={chosen}")
    assert len(page.context["templates"]) == found


def test_a_long_list_goes_on(plant, engineer, monkeypatch):
    from traceability.dashboards import golden

    monkeypatch.setattr(golden, "PAGE_SIZE", 1)
    later = make.GoldenTemplateFactory(
        product=make.ProductFactory(code="P2"), created_at=timezone.now()
    )
    first = engineer.get("/templates/").context
    assert [row.pk for row in first["templates"]] == [later.pk]
    query = {"before": first["older"].isoformat()}
    rest = engineer.get("/templates/", query).context
    assert [row.pk for row in rest["templates"]] == [plant.golden.pk]
    assert rest["older"] is None


@pytest.mark.parametrize("before", ["x", "2026-03-11", "9999-12-31T23:59:59Z"])
def test_a_forged_position_is_the_first_page(plant, engineer, before):
    answer = engineer.get("/templates/", {"before": before})
    assert len(answer.context["templates"]) == 1


def test_what_failed_for_want_of_a_template_is_listed_until_there_is_one(
    plant, engineer, stranger
):
    make.InspectionFactory(
        image__station=plant.station,
        state="failed",
        error_code="template_missing",
        created_at=timezone.now(),
    )
    assert "nothing to compare them with" not in text(engineer.get("/templates/"))
    GoldenTemplate.objects.update(retired_at=timezone.now())
    page = text(engineer.get("/templates/"))
    assert "nothing to compare them with" in page
    assert "<b>P1</b> · AOI-1" in page
    assert "1 photo<" in page
    assert "AOI-1" not in text(stranger.get("/templates/"))


def test_a_template_that_does_not_show_its_photos_is_listed_until_it_is_replaced(
    plant, engineer
):
    make.InspectionFactory(
        image__station=plant.station,
        image__template=plant.golden.file,
        state="failed",
        error_code="template_mismatch",
        created_at=timezone.now(),
    )
    page = text(engineer.get("/templates/"))
    assert "<b>P1</b> · AOI-1" in page
    assert "the template does not show these units" in page
    GoldenTemplate.objects.update(file="another")
    assert "<b>P1</b> · AOI-1" not in text(engineer.get("/templates/"))


def test_nothing_is_missing_when_nothing_failed(plant, engineer):
    assert "nothing to compare them with" not in text(engineer.get("/templates/"))


def test_the_template_stands_beside_the_photo_that_was_compared(plant, engineer):
    ModelVersion.objects.update(wants_template=True)
    assert beside(plant) in looked_at(engineer, plant)


def test_a_model_that_ignored_the_template_shows_none(plant, engineer):
    assert beside(plant) not in looked_at(engineer, plant)


def test_a_photo_that_came_without_template_shows_none(plant, engineer):
    ModelVersion.objects.update(wants_template=True)
    Image.objects.update(template="")
    assert beside(plant) not in looked_at(engineer, plant)
    assert engineer.get(beside(plant)).status_code == 404


@pytest.mark.parametrize(
    ("code", "product", "sentence", "chinese"),
    [
        ("template_missing", True, "there was none for this product", "没有模板"),
        ("template_missing", False, "this unit has no product", "没有产品"),
        ("template_mismatch", True, "does not show this board", "不是此电路板"),
    ],
)
def test_an_inspection_without_a_fitting_template_says_so(
    plant, engineer, code, product, sentence, chinese
):
    missed = make.InspectionFactory(
        image=make.ImageFactory(station=plant.station), state="failed", error_code=code
    )
    if not product:
        Unit.objects.filter(pk=missed.image.unit_id).update(product=None)
    address = reverse("inspection", args=[missed.pk])
    page = text(engineer.get(address))
    assert sentence in page
    assert reverse("templates") in page
    engineer.post("/language/", {"language": "zh-hans", "next": address})
    assert chinese in text(engineer.get(address))


@pytest.mark.parametrize("name", ["image", "golden"])
def test_templates_are_served_as_new_jpegs(plant, engineer, name):
    addresses = {
        "image": beside(plant),
        "golden": reverse("golden-image", args=[plant.golden.pk]),
    }
    path = make.media_path("golden-0")
    path.write_bytes(path.read_bytes() + b"<script>alert(1)</script>")
    answer = engineer.get(addresses[name] + "?w=300")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert b"<script>" not in answer.content
    assert Pillow.open(io.BytesIO(answer.content)).size == (320, 240)
    headers = {"If-None-Match": answer.headers["ETag"]}
    again = engineer.get(addresses[name] + "?w=300", headers=headers)
    assert again.status_code == 304
