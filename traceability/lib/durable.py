"""Files that are on disk before anything names them."""

from __future__ import annotations

import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder whose name is on disk too, all the way up."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        flush(path.parent)


def flush(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def flush_tree(folder: Path) -> int:
    """Flush all that is in a folder, and the folder; returns the bytes of its files."""
    size = 0
    for path in folder.rglob("*"):
        flush(path)
        size += path.stat().st_size if path.is_file() else 0
    flush(folder)
    return size
