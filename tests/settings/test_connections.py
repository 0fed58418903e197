"""What a web thread keeps of the database between requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import close_old_connections, connection

from traceability.catalog.models import Site
from traceability.lib import gunicorn
from traceability.lib.config import Config
from traceability.lib.urls import database_from_url


@pytest.mark.parametrize("url", ["", "sqlite:///x/db", "postgresql://u@h/d"])
def test_every_database_stays_open_for_a_while(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    monkeypatch.setenv("X", url.replace("/x/", f"{tmp_path}/"))
    database = database_from_url(Config(), "X", tmp_path / "db.sqlite3")
    assert 0 < database["CONN_MAX_AGE"] <= 60


@pytest.mark.django_db(transaction=True)
def test_a_thread_goes_on_with_its_connection_after_a_request() -> None:
    assert not Site.objects.exists()
    before = connection.connection
    close_old_connections()  # as Django does when an answer is written
    gunicorn.post_request(None, None, None, None)
    assert connection.connection is before
    assert not Site.objects.exists()
