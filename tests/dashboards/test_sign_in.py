"""The door: how often somebody may try, and whose clock the pages show."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.dashboards import factories as make
from tests.dashboards.conftest import signed_in
from traceability.dashboards import attempts
from traceability.lib import redis as brokers


@pytest.fixture
def user(site):
    return make.MembershipFactory(site=site, user__language="en").user


def sign_in(name, password="wrong", **extra):  # noqa: S107
    return Client(**extra).post("/sign-in/", {"username": name, "password": password})


def fail_often(name):
    return [sign_in(name).status_code for _ in range(attempts.MOST)]


def test_after_ten_failures_even_the_right_password_waits(user, redis):
    assert set(fail_often(user.username)) == {200}
    answer = sign_in(user.username, make.PASSWORD)
    assert answer.status_code == 429
    assert 590 < int(answer["Retry-After"]) <= 600
    page = answer.content.decode()
    assert "Too many attempts. Try again in 10 minutes." in page
    assert "do not match" not in page
    assert "sessionid" not in answer.cookies


def test_other_names_and_other_addresses_may_go_on(user, redis):
    fail_often(user.username.upper())
    other = make.MembershipFactory(site=make.SiteFactory()).user
    assert sign_in(user.username, make.PASSWORD).status_code == 429
    assert sign_in(other.username, make.PASSWORD).status_code == 302
    elsewhere = sign_in(user.username, make.PASSWORD, REMOTE_ADDR="10.0.0.9")
    assert elsewhere.status_code == 302


def test_the_right_password_starts_the_count_again(user, redis):
    for _ in range(attempts.MOST - 1):
        sign_in(user.username)
    assert sign_in(user.username, make.PASSWORD).status_code == 302
    assert redis.keys("causeline:sign-in:*") == []


def test_the_wait_ends(user, redis):
    fail_often(user.username)
    (key,) = redis.keys("causeline:sign-in:*")
    assert 0 < redis.ttl(key) <= attempts.WINDOW_SECONDS
    redis.expire(key, 0)
    assert sign_in(user.username, make.PASSWORD).status_code == 302


def test_without_redis_people_still_come_in(user, monkeypatch):
    monkeypatch.setattr(brokers, "url", lambda: "unix:///nonexistent/redis.sock")
    nowhere = brokers.client.__wrapped__()  # as the site's own is, which gives up early
    monkeypatch.setattr(attempts, "client", lambda: nowhere)
    fail_often(user.username)
    assert sign_in(user.username, make.PASSWORD).status_code == 302


def test_the_back_office_has_the_same_door(site):
    root = make.UserFactory(is_superuser=True, is_staff=True)
    answer = Client().get("/admin/login/?next=/admin/jobs/job/")
    assert answer.url == "/sign-in/?next=/admin/jobs/job/"
    assert Client().post("/admin/login/").url == "/sign-in/?next=/admin/"
    assert signed_in(root).get("/admin/").status_code == 200


def test_who_may_not_enter_the_back_office_is_told_so(engineer):
    answer = engineer.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "for administrators" in answer.content.decode()


def test_a_stored_time_zone_that_is_none_is_utc(db, redis):
    site = make.SiteFactory(time_zone="Asia/Shangai")
    user = make.MembershipFactory(site=site).user
    assert sign_in(user.username, make.PASSWORD).status_code == 302
    assert site.zone.key == "UTC"
