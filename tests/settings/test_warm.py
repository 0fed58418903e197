"""A web process has imported everything before it answers the first request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import django
django.setup()
from django.test import Client
from traceability.lib import gunicorn
from traceability.wsgi import application
gunicorn.post_worker_init(None)
before = set(sys.modules)
Client(SERVER_NAME="localhost").post("/api/v1/inspections/")
late = sorted(n for n in set(sys.modules) - before if n.startswith("traceability."))
print("late:", *late)
"""


def test_the_first_photo_waits_for_no_import(tmp_path: Path) -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "traceability.settings",
        "CAUSELINE_DATA": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    # An answer that refuses needs what a photo does not.
    assert done.stdout.split() == ["late:", "traceability.api.errors"]
