"""A site with a line, a station and the keys of an MES and a camera."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def site(db):
    from traceability.catalog.models import Site

    return Site.objects.create(code="S1", name="Plant one")


@pytest.fixture
def station(site):
    from traceability.catalog.models import Line, Station

    line = Line.objects.create(site=site, code="L1")
    return Station.objects.create(site=site, line=line, code="AOI-1")


def keyed(site, scope):
    from tests.api.cameras import client_with
    from traceability.accounts.models import Scope

    return client_with(site, Scope[scope])


@pytest.fixture
def mes(site):
    return keyed(site, "INGEST")


@pytest.fixture
def camera(site):
    return keyed(site, "UPLOAD")


@pytest.fixture
def reader(site):
    return keyed(site, "READ")
