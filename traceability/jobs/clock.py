"""The clock: beat as a thread of the worker that includes this module (`-I`).

A thread dies with its process, so there are never two clocks of one. It keeps its
times in memory: what is due every few seconds needs no file to remember it.
"""

from __future__ import annotations

import logging
from threading import Thread
from typing import Any

from celery.beat import Scheduler, Service
from celery.signals import worker_ready

# Each would write a line or two for every tick.
TALKATIVE = ("celery.beat", "celery.worker.strategy", "celery.app.trace")


@worker_ready.connect
def start(sender: Any, **_: Any) -> None:
    """Tick once the worker that executes the ticks is there."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    beat = Service(sender.app, max_interval=1, scheduler_cls=Scheduler)
    Thread(target=beat.start, name="beat", daemon=True).start()
