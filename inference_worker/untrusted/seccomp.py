"""No programs, no processes and no network from here on; threads stay allowed.

A filter of system calls that Linux keeps for this process and nobody can take off. It
holds for root too, which the limit on processes does not, and lets a runtime have the
threads that this limit forbids.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_LOAD, _EQUALS, _AT_LEAST, _ANY_BIT, _ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x00010000
_FOREIGN = 0x40000000  # x86-64 knows every call a second time from here on
_PR_SET_SECCOMP, _FILTER = 22, 2

_CALLS = {
    "x86_64": (
        0xC000003E,
        {"clone": 56, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322}
        | {"socket": 41, "ptrace": 101},
    ),
    "aarch64": (
        0xC00000B7,
        {"clone": 220, "execve": 221, "execveat": 281, "socket": 198, "ptrace": 117},
    ),
}
# The same numbers everywhere; io_uring would make calls that no filter sees.
_NEWER = {"clone3": 435, "io_uring_setup": 425}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def forbid_processes() -> bool:
    """False where this kernel or processor cannot, and nothing was changed.

    The process must have given up new privileges before.
    """
    if platform.machine() not in _CALLS:
        return False
    machine, calls = _CALLS[platform.machine()]
    steps = _steps(machine, calls)
    buffer = ctypes.create_string_buffer(b"".join(steps), 8 * len(steps))
    program = _Program(len(steps), ctypes.cast(buffer, ctypes.c_char_p))
    library = ctypes.CDLL(None)
    done = library.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)
    return bool(done == 0)


def _steps(machine: int, calls: dict[str, int]) -> list[bytes]:
    refused = [calls[name] for name in calls if name != "clone"]
    return [
        _step(_LOAD, _MACHINE),
        _step(_EQUALS, machine, 1, 0),
        _step(_ANSWER, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _FOREIGN, 0, 1),
        _step(_ANSWER, _ERROR | errno.ENOSYS),
        *_refuse(refused, errno.EPERM),
        # Whoever is told that these are unknown takes clone, or plain reads.
        *_refuse(list(_NEWER.values()), errno.ENOSYS),
        _step(_EQUALS, calls["clone"], 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _CLONE_THREAD, 1, 0),
        _step(_ANSWER, _ERROR | errno.EPERM),
        _step(_ANSWER, _ALLOW),
    ]


def _refuse(calls: list[int], error: int) -> list[bytes]:
    return [
        step
        for call in calls
        for step in (_step(_EQUALS, call, 0, 1), _step(_ANSWER, _ERROR | error))
    ]


def _step(what: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One instruction; `then` and `otherwise` are how many follow that are left out."""
    return struct.pack("HBBI", what, then, otherwise, value)
