"""Two dispatchers, or four, do what one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=pytest.mark.service)]
)
def test_dispatchers_at_once_tell_everything_once(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    environment = {**os.environ, "CAUSELINE_DATA": str(tmp_path)}
    environment.pop("CAUSELINE_DATABASE_URL", None)
    if database == "postgres":
        environment["CAUSELINE_DATABASE_URL"] = request.getfixturevalue("postgres")
    run = subprocess.run(
        [sys.executable, "-m", "tests.alerts.race"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    became = json.loads(run.stdout.splitlines()[-1])
    assert became.pop("in_order")
    assert became.pop("events") == became.pop("handed") == became.pop("seen") == 50
    assert became.pop("excursions") == 1
    assert became.pop("occurrences") == 30
    assert became.pop("runs") == 2
    assert became == {"deliveries": 6, "sent": 6, "mails": 6}, "2 people, 3 alerts"
