"""Who may open which address, for every address that the pages have."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from traceability.accounts.models import Role
from traceability.dashboards.urls import urlpatterns

ROUTES = [pattern.name for pattern in urlpatterns]
OPEN = {"sign-in"}
LISTS = {
    *("overview", "problems", "inspections", "alerts", "jobs", "templates", "cameras")
}
ROWS = {"problem", "inspection", "image", "alert", "image-template", "golden-image"}
ROWS |= {"camera", "image-seen"}
ABOUT = {"verdict": "inspection", "image-template": "image", "golden-image": "golden"}
ABOUT["image-seen"] = "image"
ABOUT |= dict.fromkeys(["camera", "set-optics", "retire-optics"], "station")
ACTIONS = {
    "verdict": {"value": "confirmed"},
    "acknowledge-alert": {},
    "close-alert": {},
    "set-optics": {"width": "640", "height": "480", "denoise": "10"},
    "retire-optics": {},
}
ANYBODY = {"sign-out": {}, "language": {"language": "en"}}


def address(name, plant):
    about = "alert" if name.endswith("-alert") else name
    row = getattr(plant, ABOUT.get(about, about), None)
    return reverse(name, args=[row.pk] if row else [])


def test_every_route_is_in_the_matrix():
    known = OPEN | LISTS | ROWS | set(ACTIONS) | set(ANYBODY)
    assert set(ROUTES) == known


@pytest.mark.parametrize("name", sorted(LISTS | ROWS))
def test_anonymous_is_sent_to_sign_in_and_back(name, plant):
    url = address(name, plant)
    answer = Client().get(url)
    assert answer.status_code == 302
    assert answer.url == f"/sign-in/?next={url}"


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_anonymous_changes_nothing(name, plant):
    answer = Client().post(address(name, plant), ACTIONS[name])
    assert answer.status_code == 302
    assert answer.url.startswith("/sign-in/")


@pytest.mark.parametrize("name", sorted(LISTS | ROWS))
@pytest.mark.parametrize("role", Role.values)
def test_every_member_reads(name, role, plant, site):
    from tests.dashboards import factories as make
    from tests.dashboards.conftest import signed_in

    client = signed_in(make.MembershipFactory(site=site, role=role).user)
    assert client.get(address(name, plant)).status_code == 200


@pytest.mark.parametrize("name", sorted(ROWS))
def test_rows_of_another_site_do_not_exist(name, plant, stranger):
    assert stranger.get(address(name, plant)).status_code == 404


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_rows_of_another_site_cannot_be_changed(name, plant, stranger):
    assert stranger.post(address(name, plant), ACTIONS[name]).status_code == 404


@pytest.mark.parametrize("name", sorted(LISTS))
def test_lists_show_nothing_of_another_site(name, plant, stranger):
    page = stranger.get(address(name, plant)).content.decode()
    assert plant.image.unit.serial not in page
    assert str(plant.problem.pk) not in page
    assert str(plant.alert.pk) not in page
    assert str(plant.golden.pk) not in page
    assert f">{plant.line}<" not in page


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_viewer_is_told_that_the_role_may_only_look(name, plant, viewer):
    answer = viewer.post(address(name, plant), ACTIONS[name])
    assert answer.status_code == 403
    assert "Your role may look, not change" in answer.content.decode()


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_actions_are_not_done_by_a_link(name, plant, engineer):
    assert engineer.get(address(name, plant)).status_code == 405


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_actions_need_the_form_of_the_page(name, plant, engineer):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = engineer.cookies
    assert strict.post(address(name, plant), ACTIONS[name]).status_code == 403


def test_only_administrators_see_jobs_about_no_site(plant, engineer):
    from tests.dashboards import factories as make
    from tests.dashboards.conftest import signed_in

    make.JobFactory(task="house.cleaning", arguments={})
    assert "house.cleaning" not in engineer.get("/jobs/").content.decode()
    root = signed_in(make.UserFactory(is_superuser=True))
    assert "house.cleaning" in root.get("/jobs/").content.decode()


def test_many_jobs_of_another_site_hide_none_of_ours(plant, engineer):
    from tests.dashboards import factories as make

    make.JobFactory.create_batch(
        120, task="jobs.foreign", tenant=0, created_at=timezone.now()
    )
    rows = engineer.get("/jobs/").context["rows"]
    assert [row.job for row in rows] == [plant.job]
    assert rows[0].about == str(plant.line)
