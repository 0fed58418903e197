"""Stand back behind the photos: for workers that include this module (`-I`).

What follows from a photo may wait a moment, the line may not. Where the cores are few,
an analysis or a row of alerts would otherwise take half of them from the detector, and
where they are many the matrices of an analysis would take them all: a thread for each
core, which spins while it waits for the others. Small ones are done sooner by one.
"""

from __future__ import annotations

import os
from typing import Any

from celery.signals import worker_process_init, worker_ready
from threadpoolctl import threadpool_limits

NICENESS = 10
# Of the libraries that are loaded after this.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@worker_ready.connect
@worker_process_init.connect
def stand_back(**_: Any) -> None:
    """Threads that are begun after this one inherit it; so do processes."""
    given = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, given))
    threadpool_limits(1)
