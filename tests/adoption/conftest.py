from __future__ import annotations

from tests.engine.conftest import data, released

__all__ = ["data", "released"]
