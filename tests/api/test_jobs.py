"""Ask for an analysis over HTTP and follow its job; nobody else's."""

from __future__ import annotations

import uuid

import pytest

from tests.api.cameras import client_with, photo, upload
from traceability.accounts.models import Membership, Scope, User
from traceability.catalog.models import Line, Site
from traceability.jobs.models import Job

pytestmark = pytest.mark.django_db
ANALYSE = "/api/v1/lines/L1/analyse/"


@pytest.fixture
def other(db):
    return Site.objects.create(code="S2", name="Plant two")


def test_an_analysis_is_asked_for_and_its_job_read_back(mes, reader, station):
    answer = mes.post(ANALYSE)
    assert answer.status_code == 202
    body = answer.json()
    assert answer["Location"] == body["url"]
    assert (body["task"], body["state"]) == ("analytics.analyse_line", "pending")
    for client in (mes, reader):
        assert client.get(body["url"]).json() == body
    job = Job.objects.get()
    assert (str(job.pk), job.tenant) == (body["id"], station.site_id)
    assert job.arguments == {"line": station.line_id}


def test_asking_twice_is_one_job(mes, station):
    assert mes.post(ANALYSE).json()["id"] == mes.post(ANALYSE).json()["id"]


def test_an_unknown_line_and_one_of_another_site(mes, other):
    Line.objects.create(site=other, code="L1")
    for line in ("L1", "NOPE"):
        answer = mes.post(f"/api/v1/lines/{line}/analyse/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not Job.objects.exists()


def test_only_ingest_may_ask(camera, reader, station):
    for client in (camera, reader):
        assert client.post(ANALYSE).status_code == 403
    assert not Job.objects.exists()


def test_a_job_of_another_site_does_not_exist(mes, station, other, client):
    url = mes.post(ANALYSE).json()["url"]
    for scope in (Scope.READ, Scope.INGEST):
        assert client_with(other, scope).get(url).status_code == 404
    user = User.objects.create_user("ann")
    membership = Membership.objects.create(user=user, site=other, role="engineer")
    client.force_login(user)
    assert client.get(url).status_code == 404
    Membership.objects.filter(pk=membership.pk).update(site=station.site)
    assert client.get(url).status_code == 200


def test_an_unknown_job(reader):
    assert reader.get(f"/api/v1/jobs/{uuid.uuid4()}/").status_code == 404


def test_the_job_of_a_photo_belongs_to_its_site(camera, station):
    upload(camera, photo())
    assert Job.objects.get().tenant == station.site_id
