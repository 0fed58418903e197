"""A factory with one line, and mail servers."""

from __future__ import annotations

import pytest

from tests.alerts.scene import Scene
from tests.outbox.conftest import _no_broker, inbox

__all__ = ["_no_broker", "inbox"]


@pytest.fixture
def scene() -> Scene:
    return Scene()
