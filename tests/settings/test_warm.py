"""Processes have made all that lasts before their first photo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# An answer that refuses needs `errors`, which a photo does not.
WEB = """
import gc, sys, django
django.setup()
from django.test import Client
from traceability.lib import gunicorn
from traceability.wsgi import application
gunicorn.post_worker_init(None)
print("settled:", gc.get_freeze_count() > 10_000)
before = set(sys.modules)
Client(SERVER_NAME="localhost").post("/api/v1/inspections/")
print(*sorted(n for n in set(sys.modules) - before if n.startswith("traceability.")))
"""
WORKER = """
import gc, sys, django
django.setup()
from celery import signals
import traceability.celery
getattr(signals, sys.argv[1]).send(None)
print("settled:", gc.get_freeze_count() > 10_000)
"""


def test_the_first_photo_waits_for_no_import(tmp_path: Path) -> None:
    assert said_by(WEB, tmp_path) == ["settled: True", "traceability.api.errors"]


def test_workers_are_settled_and_so_are_their_children(tmp_path: Path) -> None:
    for signal in ("worker_ready", "worker_process_init"):
        assert said_by(WORKER, tmp_path, signal) == ["settled: True"]


def said_by(program: str, data: Path, *words: str) -> list[str]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "traceability.settings",
        "CAUSELINE_DATA": str(data),
    }
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.splitlines()
