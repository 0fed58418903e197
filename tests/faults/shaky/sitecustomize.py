"""Put on PYTHONPATH, this makes the worker's backends fail when a file says so, and its
patience short. See tests/ladder/shaky.py; the product has no such switch.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

WORKERS = {
    "inference_worker.worker",
    "inference_worker.isolation",
    "inference_worker.ladder.trial",
}

if WORKERS & set(sys.orig_argv):
    from inference_worker import health, isolation
    from inference_worker.engine.backends import registry
    from inference_worker.ladder import opening, record, trial
    from tests.ladder import built, shaky

    shaky.register()
    registry.BACKENDS["tensorrt"] = f"{built.__name__}.{built.Tensorrt.__name__}"
    opening.this_machine = lambda: built.HERE
    record.PAUSES = (1.0, 2.0, 3.0)  # type: ignore[assignment]
    trial.SECONDS = 12.0
    isolation.TIMEOUT_SECONDS = 12
    _watch = health.Watchdog.__init__

    def _impatient(self: Any, watched: Any, **options: Any) -> None:
        limits = [replace(one, limit=one.limit / 5) for one in watched]
        _watch(self, limits, **options)

    health.Watchdog.__init__ = _impatient  # type: ignore[method-assign]
