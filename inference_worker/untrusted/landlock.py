"""From here on nothing is written or made anywhere, and only libraries are read.

Landlock holds for paths, whoever the user is. Where a kernel has none, the filter of
seccomp.py stands alone: nothing is written either, but all is read that the user can.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from inference_worker.untrusted import kernel

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# How many rights each version knows; the last version stands for those to come.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
_NET_RIGHTS = {4: 2}
_SCOPES = {6: 2}
_ABSENT = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)

PACKAGE = Path(__file__).resolve().parents[1]
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"),
    *("/usr/share/locale", "/usr/share/zoneinfo", "/etc/localtime"),
    *("/etc/ld.so.cache", "/dev/null", "/dev/urandom"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"),
)


class _Ruleset(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("files", "net", "scopes"))


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """What this kernel has, 0 for none or none that may be used."""
    try:
        return kernel.syscall(_CREATE, None, 0, _ASK_VERSION)
    except OSError as error:
        if error.errno in _ABSENT:
            return 0
        raise


def restrict_files() -> bool:
    """False without Landlock; OSError where it is there and cannot be used.

    The process must have given up new privileges before, and have one thread.
    """
    if not (known := version()):
        return False
    ruleset = _created(known)
    try:
        for path in dict.fromkeys(readable()):
            _let_read(ruleset, path)
        kernel.syscall(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def readable() -> Iterable[str]:
    """Folders and files of Python, its libraries, the system's, and of this package."""
    yield from (sys.prefix, sys.base_prefix, str(PACKAGE))
    yield from (path for path in sys.path if Path(path).resolve() != PACKAGE.parent)
    yield from _SYSTEM


def _created(known: int) -> int:
    rights = _Ruleset(
        *(
            (1 << _most(table, known)) - 1
            for table in (_FILE_RIGHTS, _NET_RIGHTS, _SCOPES)
        )
    )
    # An older kernel takes what it does not know only where it is nothing.
    return kernel.syscall(_CREATE, rights, ctypes.sizeof(rights), 0)


def _most(table: dict[int, int], known: int) -> int:
    return max((table[since] for since in table if since <= known), default=0)


def _let_read(ruleset: int, path: str) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no leave
    try:
        rights = _READ_FILE | (_READ_DIR if Path(path).is_dir() else 0)
        kernel.syscall(_ADD, ruleset, _PATH_BENEATH, _Rule(rights, handle), 0)
    finally:
        os.close(handle)
