"""Names for worker processes that tell their successors who is dead.

A slot is a lock file in the data folder. Whoever gets its lock knows that every
process which had it before is gone, and may put back at once what those held, instead
of waiting for their leases to run out.

Its name has the host's in it, and a container that is made anew has another: what old
ones left is removed by whoever takes a slot. Whatever else is kept for a place lies
beside its lock as `<what>-<place>.json` and goes with it.
"""

from __future__ import annotations

import glob
import os
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from traceability.jobs.recovery import release
from traceability.lib.sockets import AlreadyLocked, lock

MOST = 64
FORGOTTEN_SECONDS = 7 * 86_400.0
"""A host that was away for no longer finds again what it kept."""


@dataclass(frozen=True)
class Slot:
    """A held slot: keep it as long as the process may claim jobs.

    `worker` is the name to claim with; no process before or after has the same.
    `number` counts the slots of its role on this machine from 1.
    """

    worker: str
    released: int
    file: IO[str]
    number: int

    @property
    def place(self) -> str:
        """The slot's own name, which its processes have one after the other."""
        return self.worker.partition("#")[0]


def take_slot(role: str) -> Slot:
    """Take the first free slot of this machine and put back what its dead held."""
    host = socket.gethostname()[:40]
    folder = settings.DATA_DIR / "run"
    for number in range(1, MOST + 1):
        name = f"{role}-{number}@{host}"
        try:
            file = lock(folder / f"{name}.lock")
        except AlreadyLocked:
            continue
        os.utime(file.fileno())  # nothing may have been written
        _sweep(folder, role, host)
        counts = release(f"{name}#")
        return Slot(f"{name}#{secrets.token_hex(4)}", counts["released"], file, number)
    raise RuntimeError(f"All {MOST} slots of {role} in {folder} are taken.")


def _sweep(folder: Path, role: str, host: str) -> None:
    """Remove the slots of hosts that have not been here for long.

    Nothing in the database is put back: their leases ran out long ago.
    """
    for path in folder.glob(f"{role}-*@*.lock"):
        if not path.stem.endswith(f"@{host}") and _is_old(path):
            _remove(path)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > FORGOTTEN_SECONDS
    except FileNotFoundError:  # somebody else sweeps, too
        return False


def _remove(path: Path) -> None:
    """Unless its owner lives, or it is not ours to remove."""
    kept = path.parent.glob(f"*-{glob.escape(path.stem)}.json")
    try:
        with lock(path):
            for one in [*kept, path]:
                one.unlink(missing_ok=True)
    except (AlreadyLocked, PermissionError):
        return
