"""Opening a label file of strangers: it may be a link, a pipe, a device, or huge."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISREG

from inference_worker.engine.errors import DatasetError, LeadsOut


def read_label(path: Path, folder: Path, most: int, where: str) -> bytes:
    """All of a plain file of at most `most` bytes; `where` is its name in errors.

    LeadsOut when its real path is not in `folder`; DatasetError for whatever else
    cannot be used. Nothing else is read, and nothing is waited for.
    """
    if lies_outside(path, folder):
        raise LeadsOut(f"{where} is a link that leads out of the folder")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise DatasetError(f"{where} does not exist") from error
    except OSError as error:
        raise DatasetError(f"{where} cannot be read: {error.strerror}") from error
    if not S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise DatasetError(f"{where} is not a plain file")
    with os.fdopen(handle, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise DatasetError(f"{where} is larger than {most >> 20} MB")
    return data


def lies_outside(path: Path, folder: Path) -> bool:
    """Whether the file that a path leads to, all links followed, is elsewhere."""
    root = Path(os.path.realpath(folder))
    return not Path(os.path.realpath(path)).is_relative_to(root)
