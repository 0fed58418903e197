"""Model versions on disk: released files, and what a site adopted from them.

A released folder `<model>/<version>/` pins its files by SHA-256 in `manifest.json`
and is only read. Adopting copies it to `engines/` of the data folder, where
`manifest.sig` is the site's own signature. A named model is loaded from there only.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.errors import (
    EngineMissing,
    FileAltered,
    ManifestError,
    SignatureMissing,
    SignatureWrong,
    StoreError,
)
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.manifest import NAME, FilePin, Manifest
from inference_worker.engine.signing import verify

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
MODEL, INT8_MODEL = "model.onnx", "model.int8.onnx"
_MAX_MANIFEST = 2**20


@dataclass(frozen=True, slots=True)
class Version:
    """A folder whose manifest was read and, where it must be, verified."""

    folder: Path
    manifest: Manifest

    def read(self, name: str) -> bytes:
        """A file of it, checked against its pin: use these bytes, not the file.

        Raises EngineMissing when the manifest has no such file, FileAltered when
        the bytes are not the ones pinned.
        """
        if name not in self.manifest.files:
            raise EngineMissing(f"{self.folder} has no {name}")
        pin = self.manifest.files[name]
        content = _read(self.folder / name, pin.size)
        _check_pin(self.folder / name, content, pin)
        return content

    def read_all(self) -> dict[str, bytes]:
        return {name: self.read(name) for name in self.manifest.files}


@dataclass(frozen=True, slots=True)
class Entry:
    """One folder of a store: `version` when it verifies, or else the `error`."""

    model: str
    name: str
    version: Version | None
    error: StoreError | ManifestError | None


def root(data: Path) -> Path:
    """Where a data folder keeps what it adopted."""
    return data / "engines"


def open_signed(data: Path, model: str, version: str) -> Version:
    """An adopted version, its signature checked before its manifest is parsed.

    Raises EngineMissing, SignatureMissing, SignatureWrong, KeyUnknown or
    KeyRingError.
    """
    if not (NAME.fullmatch(model) and NAME.fullmatch(version)):
        raise EngineMissing(f"{model!r} {version!r} is not the name of a version")
    folder = root(data) / model / version
    if not folder.is_dir():
        raise EngineMissing(f"{model} {version} was not adopted in {data}")
    return _verified(folder, KeyRing.load(data))


def open_latest(data: Path, model: str) -> Version:
    """Of the versions that verify, the one released last.

    When none does, the error of the last by name tells why; EngineMissing when
    there is none at all.
    """
    entries = [entry for entry in list_signed(data) if entry.model == model]
    good = [entry.version for entry in entries if entry.version is not None]
    if good:
        return max(good, key=lambda version: version.manifest.release_seq)
    if entries and entries[-1].error is not None:
        raise entries[-1].error
    raise EngineMissing(f"no version of {model!r} was adopted in {data}")


def open_adopted(data: Path, model: str, version: str | None) -> Version:
    """The adopted version of that name, or the latest if none is named."""
    return open_signed(data, model, version) if version else open_latest(data, model)


def open_folder(folder: Path) -> Version:
    """A folder by its own manifest: its files are pinned, but nobody signed it.

    Good for measuring and for adopting, never for inspecting a line's images.
    """
    if not (folder / MANIFEST).is_file():
        raise EngineMissing(
            f"{folder} has no {MANIFEST}", "Give a version folder, or a model's name."
        )
    return Version(folder, Manifest.parse(_read(folder / MANIFEST, _MAX_MANIFEST)))


def list_signed(data: Path) -> Iterator[Entry]:
    """Every adopted version, by name; files are not read, only signatures."""
    for folder in version_folders(root(data)):
        model, name = folder.parent.name, folder.name
        try:
            version = open_signed(data, model, name)
            yield Entry(model, name, version, None)
        except (StoreError, ManifestError) as error:
            yield Entry(model, name, None, error)


def version_folders(source: Path) -> list[Path]:
    """`<model>/<version>` folders below, by name; hidden ones are work in progress."""
    return sorted(
        folder
        for folder in source.glob("*/*/")
        if NAME.fullmatch(folder.name) and NAME.fullmatch(folder.parent.name)
    )


def next_version(version: str) -> str:
    """The version with its last number one higher."""
    parts = re.split(r"(\d+)(?=\D*$)", version, maxsplit=1)
    if len(parts) != 3:
        return f"{version}.1"
    return f"{parts[0]}{int(parts[1]) + 1}{parts[2]}"


def _verified(folder: Path, ring: KeyRing) -> Version:
    if not (folder / SIGNATURE).exists():
        raise SignatureMissing(f"{folder} is not signed")
    text = _read(folder / MANIFEST, _MAX_MANIFEST)
    kid = verify(text, _read(folder / SIGNATURE, _MAX_MANIFEST), ring)
    manifest = Manifest.parse(text)
    told = (manifest.model, manifest.version, manifest.kid)
    if told != (folder.parent.name, folder.name, kid):
        raise SignatureWrong(f"{folder} holds the manifest of another version: {told}")
    return Version(folder, manifest)


def _check_pin(path: Path, content: bytes, pin: FilePin) -> None:
    found = hashlib.sha256(content).hexdigest()
    if len(content) != pin.size or not hmac.compare_digest(found, pin.sha256):
        raise FileAltered(f"{path} differs from its manifest (SHA-256 {found[:12]}…)")


def _read(path: Path, limit: int) -> bytes:
    """At most `limit` + 1 bytes of a plain file; a link is not followed."""
    # A pipe would block the open.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(path, flags)
    except OSError as error:
        raise FileAltered(f"{path} cannot be read: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FileAltered(f"{path} is not a plain file")
        return file.read(limit + 1)
