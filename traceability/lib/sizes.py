"""How many processes and threads the web has where nobody says so."""

from __future__ import annotations

import os

MOST_PROCESSES = 8
# Each may hold a connection to the database, and a PostgreSQL that nobody has tuned
# takes 100, the workers' among them.
MOST_THREADS = 64
THREADS = 16
FEWEST_THREADS = 8


def usable_cores() -> int:
    """By this process; not every system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def web_processes(cores: int) -> int:
    """Python runs one thread of a process at a time: one answers some dozens of uploads
    a second. The other half of the cores is for who looks at them.
    """
    return min(max(1, cores // 2), MOST_PROCESSES)


def web_threads(processes: int) -> int:
    """Of each process; half of them may wait for results."""
    return max(FEWEST_THREADS, min(THREADS, MOST_THREADS // processes))
