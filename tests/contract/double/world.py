"""What the whole double shares: its version, its faults, and how it speaks.

Faults are asked for by name in the environment, so that a process started meanwhile
has them too: `CAUSELINE_TEST_TENSORRT_FAULTS=parse,plan`.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass, field
from typing import Any

from tests.contract.vtables import Object, call, slots

FAULTS = "CAUSELINE_TEST_TENSORRT_FAULTS"
ERROR, WARNING = 1, 2
FAILED_ALLOCATION = 5

_LOG = (None, ctypes.c_int32, ctypes.c_char_p)
_REPORT = (ctypes.c_bool, ctypes.c_int32, ctypes.c_char_p)


def has(fault: str) -> bool:
    return fault in os.environ.get(FAULTS, "").split(",")


@dataclass
class World:
    """`driver` is the card's double, where there is one: what the network does is done
    in its streams. `calls` is what was called, for tests to look at.
    """

    version: str
    driver: Any = None
    calls: list[str] = field(default_factory=list)
    objects: dict[int, Object] = field(default_factory=dict)

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))

    @property
    def slots(self) -> dict[str, Any]:
        return slots(self.version)

    def made(self, one: Object) -> Object:
        """The object, to be found again by its address."""
        self.objects[one.address] = one
        return one

    def log(self, logger: int, message: str, severity: int = ERROR) -> None:
        slot = self.slots["callbacks"]["ILogger"]["log"]
        call(logger, slot, _LOG, severity, message.encode())

    def report(self, recorder: int, code: int, message: str) -> None:
        slot = self.slots["callbacks"]["IErrorRecorder"]["reportError"]
        call(recorder, slot, _REPORT, code, message.encode())

    def tell(self, monitor: int, method: str, kinds: Any, *arguments: Any) -> Any:
        slot = self.slots["callbacks"]["IProgressMonitor"][method]
        return call(monitor, slot, kinds, *arguments)
