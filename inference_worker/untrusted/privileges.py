"""Root's powers are given up, all but reading what root can read."""

from __future__ import annotations

import ctypes
import platform

from inference_worker.untrusted import kernel

_GET_SET = {"x86_64": (125, 126), "aarch64": (90, 91)}
_VERSION = 0x20080522
_DAC_READ_SEARCH = 1 << 2


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Set(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")
    )


def give_up() -> None:
    """OSError where that cannot be. Who has fewer powers than its caller cannot look
    into the caller's memory.
    """
    get, put = _GET_SET[platform.machine()]
    header, sets = _Header(_VERSION, 0), (_Set * 2)()
    kernel.syscall(get, header, sets)
    kept = sets[0].permitted & _DAC_READ_SEARCH
    kernel.syscall(put, header, (_Set * 2)(_Set(kept, kept, 0), _Set(0, 0, 0)))
