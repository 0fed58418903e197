"""A data folder of its own for every test run, made before the settings are read.

`tests/conftest.py` imports this first. The settings are named here and not in
pyproject.toml, because pytest-django would read them before any conftest.py.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import django

DATA = Path(tempfile.mkdtemp(prefix="causeline-test-")).resolve()


def _remove(owner: int) -> None:
    if os.getpid() == owner:  # not in a process that was forked off
        shutil.rmtree(DATA, ignore_errors=True)


for name in [name for name in os.environ if name.startswith("CAUSELINE_")]:
    if not name.startswith("CAUSELINE_TEST_"):
        del os.environ[name]  # a developer's site must not leak into the tests
os.environ["CAUSELINE_DATA"] = str(DATA)
if database := os.environ.get("CAUSELINE_TEST_DATABASE_URL"):
    os.environ["CAUSELINE_DATABASE_URL"] = database  # e.g. all tests on PostgreSQL
os.environ["DJANGO_SETTINGS_MODULE"] = "traceability.settings"
atexit.register(_remove, os.getpid())
django.setup()
