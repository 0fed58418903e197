"""A small site with one of everything, and the cast: people named by role."""

from __future__ import annotations

import io

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation
from PIL import Image as Pillow

from tests.dashboards import factories as make


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture(autouse=True)
def _nothing_kept():
    """The overview keeps what took long, and on a busy machine everything does."""
    cache.clear()


@pytest.fixture(autouse=True)
def _english():
    """A request leaves its language behind in the thread."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def _cheap_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def site(db):
    return make.SiteFactory()


@pytest.fixture
def plant(site):
    """One of everything that a page can show, with a photo on disk."""
    return Plant(site)


class Plant:
    def __init__(self, site):
        self.line = make.LineFactory(site=site)
        self.station = make.StationFactory(line=self.line)
        self.image = make.ImageFactory(station=self.station, template="golden-0")
        jpeg = io.BytesIO()
        Pillow.new("RGB", (640, 480), "green").save(jpeg, "JPEG")
        make.media_path(self.image.file).write_bytes(jpeg.getvalue())
        make.media_path(self.image.template).write_bytes(jpeg.getvalue())
        self.golden = make.GoldenTemplateFactory(
            station=self.station, product=self.image.unit.product, file="golden-0"
        )
        self.inspection = make.InspectionFactory(image=self.image, defective=True)
        self.defect = make.DefectFactory(inspection=self.inspection)
        self.problem = make.ProblemFactory(run__line=self.line)
        self.cause = make.CauseFactory(problem=self.problem)
        make.EvidenceFactory(cause=self.cause)
        self.alert = make.AlertFactory(line=self.line, problem=self.problem)
        self.job = make.JobFactory(arguments={"line": self.line.pk}, tenant=site.pk)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def engineer(site):
    return signed_in(make.MembershipFactory(site=site, role="engineer").user)


@pytest.fixture
def viewer(site):
    return signed_in(make.MembershipFactory(site=site, role="viewer").user)


@pytest.fixture
def stranger(db):
    """An engineer of another site."""
    other = make.SiteFactory(code="S2", name="Other plant")
    return signed_in(make.MembershipFactory(site=other).user)
