"""What Python has no words for: Linux is asked directly, and every no counts."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

from inference_worker.untrusted.errors import SandboxUnavailable

PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE = 1, 3, 4
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38

Argument = ctypes.Structure | ctypes.Array[Any] | int | None


def prctl(what: int, *arguments: Argument) -> int:
    """Its answer, or OSError."""
    return _answer(_library().prctl(what, *map(_word, _four(arguments))))


def syscall(number: int, *arguments: Argument) -> int:
    """Its answer, or OSError."""
    words = map(_word, (number, *arguments))
    return _answer(_library().syscall(*words))


def unavailable(what: str, error: Exception) -> SandboxUnavailable:
    """The bound `what` could not be set."""
    return SandboxUnavailable(f"no process can be bounded here: {what}: {error}")


@cache
def _library() -> ctypes.CDLL:
    """Not before it is needed: what is no Linux has none."""
    return ctypes.CDLL(None, use_errno=True)


def _four(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    return (*arguments, 0, 0, 0, 0)[:4]


def _word(argument: Argument) -> object:
    """As wide as a register: a plain int would cross as 32 bits."""
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    return None if argument is None else ctypes.byref(argument)


def _answer(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
