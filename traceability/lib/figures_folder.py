"""Where the processes of one web server count together: a folder that nobody else has.

This must run before prometheus_client is imported, which then decides how to count.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO

from traceability.lib.sockets import AlreadyLocked, lock

# What is counted is written to files in memory: on a disk that flushes photos a write
# may wait. Too full a memory file system would kill the process that counts.
MEMORY = Path("/dev/shm")  # noqa: S108
LEAST_FREE_BYTES = 16 * 2**20


def take_folder(data: Path) -> tuple[Path, IO[str]]:
    """An empty folder, and the lock that keeps others off it while it is open.

    Each web server of a data folder has one; what a dead one left is emptied.
    """
    for number in count(1):
        name = f"metrics-web-{number}"
        try:
            held = lock(data / "run" / f"{name}.lock")
        except AlreadyLocked:
            continue
        folder = _parent(data) / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        return folder, held
    raise AssertionError


def leave_folder(folder: Path) -> None:
    """Nothing is left of it, nor of what held it and others like it."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # another server of the data folder counts there
        folder.parent.rmdir()


def _parent(data: Path) -> Path:
    """Ours alone, or in the data folder where memory is short or not there."""
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    ours = MEMORY / f"causeline-{os.getuid()}-{digest}"
    try:
        if shutil.disk_usage(MEMORY).free >= LEAST_FREE_BYTES:
            ours.mkdir(mode=0o700, exist_ok=True)
            if ours.lstat().st_uid == os.getuid() and not ours.is_symlink():
                return ours
    except OSError:
        pass
    return data / "run"
