"""Mail servers for the tests of the outbox and of the alerts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.outbox import smtp
from traceability.outbox import wake


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens for wake-up calls here; the tests play the clock."""
    monkeypatch.setattr(wake, "publish", lambda task, *, quiet=0.0: False)


@pytest.fixture
def inbox(settings: Settings) -> Iterator[smtp.Inbox]:
    """A mail server that takes everything, and the settings that point to it."""
    with smtp.running(smtp.Inbox()) as server:
        use(settings, server.port)
        yield server.inbox


def use(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = port
    settings.EMAIL_TIMEOUT = 1
