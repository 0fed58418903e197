from __future__ import annotations

import subprocess
import sys
import time

from django.conf import settings

HANGING = """
import time
from inference_worker import health
health.PERIOD_SECONDS = 0.05
since = time.monotonic()
health.Watchdog([health.Watched("a test", lambda: time.monotonic() - since, 0.3)])
try:
    time.sleep(30)
finally:
    print("cleaned up")
"""


def test_a_hang_ends_the_process_without_cleaning_up() -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", HANGING],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (70, "")
    assert "a test has hung" in done.stderr
    assert time.monotonic() - started < 15
