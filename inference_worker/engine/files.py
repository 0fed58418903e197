"""Files that must not change under one's hands: read once, replaced in one step."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference_worker.engine.errors import (
    FileAltered,
    FileExposed,
    FileMissing,
    FileNotPlain,
)

# A pipe would block the open, a link lead elsewhere.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
Owners = frozenset[int]


def owners_of(data: Path) -> Owners:
    """Whose files a data folder may hold: its own owner's, this user's and root's."""
    return frozenset({0, os.geteuid(), data.stat().st_uid})


def read_plain(path: Path, limit: int, owners: Owners | None = None) -> bytes:
    """At most `limit` + 1 bytes of a plain file, opened once; a link is not followed.

    With `owners`, it must belong to one of them and be closed to others' writing.
    Raises FileMissing, FileNotPlain, FileExposed or FileAltered.
    """
    handle = _open(path)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise FileNotPlain(f"{path} is not a plain file")
        if owners is not None:
            _check_owner(path, about, owners)
        return _read(handle, limit + 1)
    finally:
        os.close(handle)


def replace(path: Path, content: bytes, mode: int = 0o644) -> None:
    """The file has this content, whole and on disk, or the one that it had before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(handle, mode)
            os.fsync(handle)
        Path(temporary).rename(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Wait until the names in it are on disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system gives it back when a process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS)
    except OSError as error:
        why = f"{path} cannot be read: {error.strerror}"
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise FileMissing(why) from error
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            raise FileNotPlain(why) from error
        raise FileAltered(why) from error


def _read(handle: int, most: int) -> bytes:
    """Without a buffer in between: an engine's megabytes are copied once."""
    parts = list[bytes]()
    while most and (part := os.read(handle, most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _check_owner(path: Path, about: os.stat_result, owners: Owners) -> None:
    if about.st_uid not in owners:
        raise FileExposed(f"{path} belongs to user {about.st_uid}")
    if about.st_mode & stat.S_IWOTH:
        raise FileExposed(f"{path} may be written by everybody")
