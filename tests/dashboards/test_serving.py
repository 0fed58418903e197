"""Headers, photos, sign-in, languages and the back office."""

from __future__ import annotations

import gzip
import io

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from PIL import Image as Pillow

from analytics.charts.words import ENGLISH
from tests.dashboards import factories as make
from traceability.accounts.models import User
from traceability.dashboards.chart_words import WORDS

PLOTLY = settings.BASE_DIR / "static" / "vendor" / "plotly"


@pytest.mark.parametrize("path", ["/sign-in/", "/", "/nowhere/"])
def test_every_page_may_load_from_this_server_only(path, engineer):
    policy = engineer.get(path).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_pages_are_not_kept_by_proxies(plant, engineer):
    assert "no-store" in engineer.get("/").headers["Cache-Control"]


def photo(client, plant, query=""):
    return client.get(reverse("image", args=[plant.image.pk]) + query)


def test_photos_are_new_jpegs_kept_by_their_browser(plant, engineer):
    answer = photo(engineer, plant, "?w=300")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert Pillow.open(io.BytesIO(answer.content)).size == (320, 240)
    again = engineer.get(
        answer.wsgi_request.get_full_path(),
        headers={"If-None-Match": answer.headers["ETag"]},
    )
    assert again.status_code == 304


@pytest.mark.parametrize("width", ["", "?w=x", "?w=-4", "?w=99999", "?w=²"])
def test_a_width_that_makes_no_sense_is_the_whole_photo(width, plant, engineer):
    answer = photo(engineer, plant, width)
    assert Pillow.open(io.BytesIO(answer.content)).size == (640, 480)


def test_a_photo_whose_file_is_gone_is_a_404(plant, engineer):
    make.media_path(plant.image.file).unlink()
    assert photo(engineer, plant).status_code == 404


def test_signing_in_keeps_the_language_chosen_at_the_door(site):
    user = make.MembershipFactory(site=site).user
    client = Client()
    client.post("/language/", {"language": "zh-hans", "next": "/sign-in/"})
    client.post("/sign-in/", {"username": user.username, "password": make.PASSWORD})
    user.refresh_from_db()
    assert user.language == "zh-hans"
    assert client.session["time_zone"] == "Asia/Shanghai"


def test_a_wrong_password_says_so_and_not_which_part_was_wrong(site):
    answer = Client().post("/sign-in/", {"username": "nobody", "password": "x"})
    assert b"User name and password do not match" in answer.content


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example/", ""])
def test_changing_the_language_never_leads_elsewhere(there, engineer):
    answer = engineer.post("/language/", {"language": "zh-hans", "next": there})
    assert answer.url == "/"
    assert User.objects.get().language == "zh-hans"


def test_a_language_nobody_speaks_changes_nothing(engineer):
    engineer.post("/language/", {"language": "xx"})
    assert User.objects.get().language == "en"


def test_every_table_of_the_back_office_opens(plant, db):
    from tests.dashboards.conftest import signed_in

    root = signed_in(make.UserFactory(is_superuser=True, is_staff=True))
    for model, shown in admin.site._registry.items():
        if not model.__module__.startswith("traceability."):
            continue
        url = reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        )
        assert root.get(url).status_code == 200, model
        query = {"q": "x"} if shown.search_fields else {}
        assert root.get(url, query).status_code == 200, model


def test_charts_have_all_their_words():
    assert set(WORDS) == set(ENGLISH)


def test_the_compressed_plotly_is_the_plain_one():
    (plain,) = PLOTLY.glob("plotly-cartesian-*.min.js")
    packed = plain.with_suffix(".js.gz").read_bytes()
    assert gzip.decompress(packed) == plain.read_bytes()


def test_no_page_names_another_host():
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        if path.parent.name == "mail":
            continue
        assert "//" not in path.read_text().replace("http://www.w3.org", ""), path
