"""A server with two stations, a key, and a folder beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from traceability.accounts.models import Scope
from traceability.accounts.services import create_api_key
from traceability.catalog.models import Line, Site, Station
from traceability.ingest.watching.aside import Journal
from traceability.ingest.watching.plan import Plan
from traceability.ingest.watching.sending import Sender
from traceability.ingest.watching.watcher import Tally, Watcher


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def key(transactional_db: None) -> str:
    site = Site.objects.create(code="S1", name="Plant one")
    line = Line.objects.create(site=site, code="L1")
    for code in ("AOI-1", "AOI-2"):
        Station.objects.create(site=site, line=line, code=code)
    return create_api_key(site, "folder", [Scope.UPLOAD])[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def watch(
    key: str, folder: Path, tmp_path: Path, live_server: LiveServer
) -> Callable[..., Tally]:
    """Watch the folder until it is empty; the arguments are those of a plan."""

    def run(*, url: str = "", **about: Any) -> Tally:
        plan = {"station": "AOI-1", "settle_seconds": 0.1, "patience_seconds": 0.0}
        journal = Journal(tmp_path / "journal.sqlite3")
        sender = Sender(url or live_server.url, key)
        watcher = Watcher(
            Plan(folder, **{**plan, **about}), sender, journal, threading.Event(), 2
        )
        try:
            return watcher.run(once=True)
        finally:
            journal.close()

    return run
