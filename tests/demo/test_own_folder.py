"""The demo runs in a folder of its own and meets nothing but that."""

from __future__ import annotations

import os
from typing import Any

import pytest

from traceability.demo.management.commands import demo


def test_nothing_leads_the_demo_to_what_is_not_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for what in ("DATABASE", "REDIS", "MQTT", "SMTP"):
        monkeypatch.setenv(f"CAUSELINE_{what}_URL", "x://real")
        monkeypatch.setenv(f"CAUSELINE_{what}_URL_FILE", "/run/secrets/real")
    became: list[dict[str, str]] = []

    def execve(path: str, argv: Any, environment: dict[str, str]) -> None:
        became.append(environment)

    monkeypatch.setattr(os, "execve", execve)
    demo._run_in_own_folder(8000)
    (environment,) = became
    assert environment["CAUSELINE_DATA"].endswith("/demo")
    assert not [name for name, value in environment.items() if "real" in value]
