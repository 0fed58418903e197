"""What tests of signed stores ask of a data folder."""

from __future__ import annotations

from typing import Any

from benchmarks.signing.site import Site
from inference_worker.engine import audit
from inference_worker.engine.history import History
from inference_worker.engine.keyring import KeyRing


def ring(site: Site) -> KeyRing:
    return KeyRing.load(site.data)


def log(site: Site) -> list[dict[str, Any]]:
    lines = History.load(site.data, ring(site)).lines
    return audit.read(site.data, ring(site), lines)
