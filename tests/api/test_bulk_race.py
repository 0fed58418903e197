"""Pushes that meet lose nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=pytest.mark.service)]
)
def test_pushes_at_once_keep_every_reading(database, tmp_path, request):
    environment = {**os.environ, "CAUSELINE_DATA": str(tmp_path)}
    environment.pop("CAUSELINE_DATABASE_URL", None)
    if database == "postgres":
        environment["CAUSELINE_DATABASE_URL"] = request.getfixturevalue("postgres")
    run = subprocess.run(
        [sys.executable, "-m", "tests.api.race"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == {
        "errors": [],
        "runs": 8 * 150,
        "lost": 0,
        "suppliers": 80,
        "lots": 240,
    }
