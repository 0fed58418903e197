"""Names for worker processes that tell their successors who is dead.

A slot is a lock file in the data folder. Whoever gets its lock knows that every
process which had it before is gone, and may put back at once what those held, instead
of waiting for their leases to run out.
"""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass
from typing import IO

from django.conf import settings

from traceability.jobs.recovery import release
from traceability.lib.sockets import AlreadyLocked, lock

MOST = 64


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
        counts = release(f"{name}#")
        return Slot(f"{name}#{secrets.token_hex(4)}", counts["released"], file, number)
    raise RuntimeError(f"All {MOST} slots of {role} in {folder} are taken.")
