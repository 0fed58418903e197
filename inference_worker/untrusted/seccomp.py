"""No programs, no processes, no network, no writing and no other process from here on;
threads stay allowed.

A filter of system calls (the lists of syscalls.py) that Linux keeps for this process
and nobody can take off. It holds for root too, which the limit on processes does not,
and lets a runtime have the threads that this limit forbids.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence

from inference_worker.untrusted import kernel, syscalls

_LOAD, _EQUALS, _AT_LEAST, _ANY_BIT, _ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_FILTER = 2
_CLONE_THREAD = 0x00010000
_FOREIGN = 0x40000000  # x86-64 knows every call a second time from here on

_CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# F_SETOWN, F_SETSIG, F_SETOWN_EX would have the kernel signal others; F_SETLEASE
# makes them wait.
_FCNTL = (8, 10, 15, 1024)
# Is it a terminal, how large, how much is there, block or not, keep it or not.
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def filter_calls() -> None:
    """OSError where this kernel cannot, and nothing was changed.

    The process must have given up new privileges before.
    """
    steps = _steps(os.getpid())
    buffer = ctypes.create_string_buffer(b"".join(steps), 8 * len(steps))
    program = _Program(len(steps), ctypes.cast(buffer, ctypes.c_char_p))
    kernel.prctl(kernel.PR_SET_SECCOMP, _FILTER, program)


def _steps(own: int) -> list[bytes]:
    return [
        _step(_LOAD, _MACHINE),
        _step(_EQUALS, syscalls.architecture(), 1, 0),
        _step(_ANSWER, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _FOREIGN, 0, 1),
        _step(_ANSWER, _no(errno.ENOSYS)),
        *_any(syscalls.refused(), _no()),
        *_any(syscalls.unseen(), _no(errno.ENOSYS)),
        *_judge(own),
        _step(_ANSWER, _ALLOW),
    ]


def _judge(own: int) -> list[bytes]:
    """Each of these ends with an answer, so what follows still has the number."""
    rules = {
        "clone": _unless_bits(0, _CLONE_THREAD),
        "open": _if_bits(1, _CHANGES),
        "openat": _if_bits(2, _CHANGES),
        "kill": _only(0, [own]),
        "tgkill": _only(0, [own]),
        "prlimit64": _only(0, [0, own]),
        "sched_setaffinity": _only(0, [0, own]),
        "prctl": _but(0, [kernel.PR_SET_PDEATHSIG]),
        "fcntl": _but(1, _FCNTL),
        "ioctl": _only(1, _IOCTL, errno.ENOTTY),
    }
    return [
        step
        for name, number in syscalls.judged().items()
        for step in (_step(_EQUALS, number, 0, len(rules[name])), *rules[name])
    ]


def _if_bits(argument: int, bits: int) -> list[bytes]:
    """Refused where the argument has any of them."""
    return [_load(argument), _step(_ANY_BIT, bits, 1, 0), *_both(_ALLOW, _no())]


def _unless_bits(argument: int, bits: int) -> list[bytes]:
    return [_load(argument), _step(_ANY_BIT, bits, 1, 0), *_both(_no(), _ALLOW)]


def _only(
    argument: int, values: Sequence[int], error: int = errno.EPERM
) -> list[bytes]:
    """Allowed where the argument is one of them."""
    return [_load(argument), *_any(values, _ALLOW), _step(_ANSWER, _no(error))]


def _but(argument: int, values: Sequence[int]) -> list[bytes]:
    return [_load(argument), *_any(values, _no()), _step(_ANSWER, _ALLOW)]


def _any(values: Sequence[int], answer: int) -> list[bytes]:
    """`answer` where what was loaded is one of them."""
    return [
        step
        for value in values
        for step in (_step(_EQUALS, value, 0, 1), _step(_ANSWER, answer))
    ]


def _both(first: int, second: int) -> list[bytes]:
    return [_step(_ANSWER, first), _step(_ANSWER, second)]


def _no(error: int = errno.EPERM) -> int:
    return _ERROR | error


def _load(argument: int) -> bytes:
    """The lower half: the kernel looks at no more of those that are judged here."""
    return _step(_LOAD, _FIRST_ARGUMENT + 8 * argument)


def _step(what: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One instruction; `then` and `otherwise` are how many follow that are left out."""
    return struct.pack("HBBI", what, then, otherwise, value)
