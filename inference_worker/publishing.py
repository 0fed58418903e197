"""Version folders appear whole or not at all, however the work on them ends.

Work goes on in a hidden folder beside the one to come, `.NAME.work`. Whoever works
there holds its lock, which the system takes back when a process dies. What a killed run
left in it is removed by the next one, but for what it can go on with (a checkpoint).
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.errors import EngineError
from inference_worker.engine.store import MANIFEST


class NoPlace(EngineError):
    """No version can be written there."""

    code = "no_place"
    hint = "Give another folder with --out."


@dataclass(frozen=True, slots=True)
class Place:
    """Where the version `folder` will appear, locked.

    `draft` and `scratch` are empty at the beginning and gone in the end; what else is
    put into `work` stays there until the version is published.
    """

    folder: Path
    work: Path

    @property
    def draft(self) -> Path:
        """What becomes the version."""
        return self.work / "draft"

    @property
    def scratch(self) -> Path:
        """What is only needed on the way."""
        return self.work / "scratch"

    def publish(self, files: Mapping[str, bytes]) -> Path:
        """The draft with these files becomes the folder, in one step and on disk."""
        try:
            for name, content in files.items():
                (self.draft / name).write_bytes(content)
            for path in (*self.draft.rglob("*"), self.draft):
                _flush(path)
            self.draft.rename(self.folder.resolve())  # replaces an empty folder
        except OSError as error:
            raise NoPlace(f"{self.folder}: {error.strerror}") from error
        _flush(self.folder.resolve().parent)
        return self.folder


@contextmanager
def place_for(folder: Path) -> Iterator[Place]:
    """The place for a version, for as long as it is made.

    Raises NoPlace, before any work, where another run is at work, nothing can be
    written, or the folder holds anything.
    """
    _refuse_mounted(folder)
    try:
        place = Place(folder, _work_of(folder))
        made = _make(place.work.parent)
        lock = _locked(place)
    except OSError as error:
        hint = "Give a folder that can be written to with --out."
        raise NoPlace(f"--out {folder}: {error.strerror}", hint) from error
    try:
        _refuse_finished(folder)
        _refuse_other(folder)
        _clear(place)
        place.draft.mkdir()
        place.scratch.mkdir()
        yield place
    finally:
        _leave(place)
        os.close(lock)
        _unmake(made)


def _refuse_finished(folder: Path) -> None:
    """NoPlace where a version lies already: those never change."""
    if (folder / MANIFEST).exists():
        raise NoPlace(f"{folder} holds a version already, and versions never change")


def _refuse_mounted(folder: Path) -> None:
    """No folder beside it could take its place."""
    if os.path.ismount(folder):
        hint = f"Give a folder in it: --out {folder / 'version'}."
        raise NoPlace(f"{folder} is a disk of its own", hint)


def _refuse_other(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise NoPlace(f"{folder} is not a folder")
    if folder.exists() and any(folder.iterdir()):
        raise NoPlace(f"{folder} is not empty")


def _work_of(folder: Path) -> Path:
    whole = folder.resolve()
    return whole.with_name(f".{whole.name}.work")


def _locked(place: Place) -> int:
    """The open folder `work`; a run that ends meanwhile may take it away with it."""
    while True:
        place.work.mkdir(exist_ok=True)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            lock = os.open(place.work, flags)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise NoPlace(f"another run is at work on {place.folder}") from error
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), place.work.stat()):
                return lock
        os.close(lock)


def _leave(place: Place) -> None:
    """With a version nothing needs to be kept; without one, what is there to go on."""
    if (place.folder / MANIFEST).exists():
        shutil.rmtree(place.work, ignore_errors=True)
        return
    _clear(place)
    with suppress(OSError):
        place.work.rmdir()


def _clear(place: Place) -> None:
    for folder in (place.draft, place.scratch):
        shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path) -> list[Path]:
    """With names that are on disk too, all the way up; what was made, inmost first."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        _flush(path.parent)
    return missing


def _unmake(folders: list[Path]) -> None:
    """Those in which nothing came to lie."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _flush(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on disk."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
