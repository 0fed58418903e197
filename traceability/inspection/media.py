"""Photos on disk: written whole before their row, served only as new JPEGs."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from PIL import Image as Pillow

from traceability.lib.durable import flush, make_folder
from traceability.lib.errors import NoSpace
from traceability.lib.images import as_seen

JPEG_QUALITY = 88
SWEPT_DAYS = 3


def store(data: bytes, received_at: datetime) -> str:
    """Write `data` durably; returns its path below the media root.

    The file and its folder are flushed to disk, so that a row that names the file
    can never outlive it. Raises `NoSpace` below the free-disk floor or on a full disk.
    """
    name = f"{received_at:%Y/%m/%d}/{uuid.uuid4()}"
    path = settings.MEDIA_ROOT / name
    try:
        make_folder(path.parent)
        _refuse_when_full(path.parent)
        _write_through(path, data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise NoSpace(f"The photo could not be stored: {error.strerror}.") from error
    return name


def recent_files(older_than: timedelta) -> Iterator[str]:
    """Names of files stored in the last days, but not within `older_than`."""
    now = timezone.now()
    newest = (now - older_than).timestamp()
    for days in range(SWEPT_DAYS):
        day = f"{now - timedelta(days=days):%Y/%m/%d}"
        folder = settings.MEDIA_ROOT / day
        for entry in os.scandir(folder) if folder.is_dir() else ():
            if entry.is_file() and entry.stat().st_mtime < newest:
                yield f"{day}/{entry.name}"


def read(name: str) -> bytes:
    """The bytes as they were stored; raises FileNotFoundError."""
    path: Path = settings.MEDIA_ROOT / name
    return path.read_bytes()


def remove(name: str) -> None:
    """Delete a stored photo; a missing one is no error."""
    (settings.MEDIA_ROOT / name).unlink(missing_ok=True)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def reencode(name: str, width: int | None = None) -> bytes:
    """The photo `name`, upright, as a fresh JPEG at most `width` pixels wide.

    Browsers get this copy only: whatever else hides in an uploaded file stays behind.
    """
    with Pillow.open(settings.MEDIA_ROOT / name) as photo:
        if width:
            photo.draft("RGB", (width, width))  # JPEG decodes small sizes faster
        image = as_seen(photo).convert("RGB")
    if width and width < image.width:
        image = image.resize((width, max(1, round(image.height * width / image.width))))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _refuse_when_full(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < settings.MINIMUM_FREE_BYTES:
        raise NoSpace(f"Only {free // 2**20} MB are free on the server's disk.")


def _write_through(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    flush(path.parent)
