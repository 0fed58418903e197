"""Unix sockets in folders of any length, and locks that die with their process.

No Django here: the embedded Redis needs this before anything else is up.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import IO

# A socket's address holds 108 bytes with its final NUL (104 on some systems), and the
# names we put into these folders take up to 20 of them.
LONGEST_FOLDER = 80
# The address of a Redis would end at the first two, and read the third as an escape.
_SPECIAL = set("?#%")


class AlreadyLocked(Exception):
    """Somebody holds this lock; `holder` is what they wrote into it."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is locked by {holder or 'another process'}")
        self.holder = holder


def socket_folder(folder: Path) -> Path:
    """`folder`, or a link to it that is short and plain enough for a socket's address.

    The link lies in `/tmp`, whatever TMPDIR says, because every process of a site must
    find the same one; whoever calls first makes it again if a clean-up took it away.
    Raises PermissionError when another user has put something in its place.
    """
    plain = not _SPECIAL.intersection(str(folder))
    if plain and len(os.fsencode(folder)) <= LONGEST_FOLDER:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    link = Path(f"/tmp/causeline-{os.getuid()}-{digest}")  # noqa: S108
    try:
        link.symlink_to(folder)
    except FileExistsError:
        if link.lstat().st_uid != os.getuid() or Path(os.readlink(link)) != folder:
            raise PermissionError(f"{link} is not ours; remove it") from None
    return link


def lock(path: Path, holder: str = "") -> IO[str]:
    """Take an exclusive lock that the kernel frees when its last holder dies.

    Raises AlreadyLocked. Keep the file open; a child that inherits its descriptor holds
    the lock too.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            text = file.read().strip()
            file.close()
            raise AlreadyLocked(path, text) from None
        if _lies_at(file, path):
            break
        file.close()  # somebody removed it meanwhile, and others lock another one
    hold(file, holder)
    return file


def hold(file: IO[str], holder: str) -> None:
    """Say in a held lock who has it."""
    file.truncate(0)
    file.write(holder)
    file.flush()


def _lies_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
