"""The documentation is whole, and is served without the network."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def test_the_schema_has_no_warning(tmp_path):
    call_command(
        "spectacular", file=str(tmp_path / "s.yml"), validate=True, fail_on_warn=True
    )


def test_the_documentation_is_served_locally(client):
    page = client.get("/api/docs/").content.decode()
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert sources
    assert all(source.startswith("/") for source in sources), sources
