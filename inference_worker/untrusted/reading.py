"""A stranger's file as bytes: a plain one, of bounded size, that holds still."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from inference_worker.untrusted.errors import ModelRefused, Reason

# A FIFO would block the open, a terminal would become ours.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


def read_plain(path: Path, most: int) -> bytes:
    """All of it, `most` bytes at most; what is larger is not read at all.

    Raises ModelRefused for what is no plain file, a link too, and for a file that
    changes meanwhile.
    """
    try:
        handle = os.open(path, _FLAGS)
    except OSError as error:
        raise _unopened(path, error) from error
    try:
        before = os.fstat(handle)
        _check(path, before, most)
        with os.fdopen(handle, "rb", closefd=False) as file:
            content, more = file.read(before.st_size), file.read(1)
        after = os.fstat(handle)
    except OSError as error:
        text = f"{path} cannot be read: {error.strerror}"
        raise ModelRefused(Reason.UNREADABLE, text) from error
    finally:
        os.close(handle)
    if more or len(content) != before.st_size or _stamp(before) != _stamp(after):
        raise ModelRefused(
            Reason.FILE_CHANGED,
            f"{path} was written to while it was read",
            "Wait until it is complete, and import it again.",
        )
    return content


def _check(path: Path, found: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ModelRefused(Reason.NOT_A_PLAIN_FILE, f"{path} is not a plain file")
    if found.st_size == 0:
        raise ModelRefused(Reason.FILE_EMPTY, f"{path} is empty")
    if found.st_size > most:
        raise ModelRefused(
            Reason.FILE_TOO_LARGE,
            f"{path} has {found.st_size:,} bytes, {most:,} are taken",
        )


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _unopened(path: Path, error: OSError) -> ModelRefused:
    # Linux answers ELOOP where the last part of the path is a link.
    if path.is_symlink():
        return ModelRefused(
            Reason.NOT_A_PLAIN_FILE,
            f"{path} is a link",
            "Give the file that it leads to.",
        )
    return ModelRefused(Reason.UNREADABLE, f"{path} cannot be read: {error.strerror}")
