"""Model versions on disk: released files, and what a site adopted from them.

A released folder `<model>/<version>/` pins its files by SHA-256 in `manifest.json`
and is only read. Adopting copies it to `engines/` of the data folder, where
`manifest.sig` is the site's own signature. A named model is loaded from there only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine import files, history
from inference_worker.engine.errors import (
    EngineMissing,
    FileAltered,
    FileMissing,
    KeyUnknown,
    ManifestError,
    ManifestMisplaced,
    SignatureMissing,
    SignatureWrong,
    StoreError,
)
from inference_worker.engine.fields import NAME, FilePin
from inference_worker.engine.history import Release
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.signing import verify

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
COMING_SIGNATURE = "manifest.sig.next"
"""While a manifest is signed anew: the signature of the one that is about to come."""

MODEL, INT8_MODEL, CARD = "model.onnx", "model.int8.onnx", "card.md"
ENGINES = "engines"
"""Below a version: the engines that were built from it."""

MAX_MANIFEST = 2**20


@dataclass(frozen=True, slots=True)
class Version:
    """A folder whose manifest was read and, where it must be, verified: then `kids`
    are the keys that vouch for it, and its files must belong to one of `owners`.
    """

    folder: Path
    manifest: Manifest
    kids: tuple[str, ...] = ()
    owners: files.Owners | None = None

    def read(self, name: str) -> bytes:
        """A file of it, checked against its pin: use these bytes, not the file.

        Raises EngineMissing when the manifest has no such file, FileAltered when
        the bytes are not the ones pinned.
        """
        if name not in self.manifest.files:
            raise EngineMissing(f"{self.folder} has no {name}")
        pin = self.manifest.files[name]
        return read_pinned(self.folder / name, pin, self.owners)

    def read_all(self) -> dict[str, bytes]:
        return {name: self.read(name) for name in self.manifest.files}

    @property
    def release(self) -> Release:
        """Its place among the releases of the model."""
        previous = self.manifest.raw["previous"] or {}
        pin = self.manifest.files.get(MODEL)
        return Release(
            self.manifest.release_seq,
            pin.sha256 if pin else "",
            previous.get("sha256"),
        )


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

    Raises EngineMissing, SignatureMissing, SignatureWrong, SignatureWeak, KeyUnknown,
    KeyRevoked, KeyExpired, KeyRingError or FileExposed.
    """
    folder = folder_of(data, model, version)
    owners = files.owners_of(data)
    text, kids = read_signed(folder, data, owners)
    manifest = Manifest.parse(text)
    told = (manifest.model, manifest.version, manifest.kid)
    if told != (folder.parent.name, folder.name, kids[0]):
        raise ManifestMisplaced(
            f"{folder} holds the manifest of another version: {told}"
        )
    return Version(folder, manifest, kids, owners)


def folder_of(data: Path, model: str, version: str) -> Path:
    """Where an adopted version lies. Raises EngineMissing when there is none."""
    if not (NAME.fullmatch(model) and NAME.fullmatch(version)):
        raise EngineMissing(f"{model!r} {version!r} is not the name of a version")
    folder = root(data) / model / version
    if not folder.is_dir():
        raise EngineMissing(f"{model} {version} was not adopted in {data}")
    return folder


def open_latest(data: Path, model: str) -> Version:
    """Of the versions that verify, the one released last.

    When none does, the error of the last by name tells why; EngineMissing when
    there is none at all. Raises RolledBack when a later one was used here, unless that
    one's manifest named this as its predecessor.
    """
    entries = [entry for entry in list_signed(data) if entry.model == model]
    good = [entry.version for entry in entries if entry.version is not None]
    if good:
        latest = max(good, key=lambda version: version.manifest.release_seq)
        history.admit_or_previous(data, KeyRing.load(data), model, latest.release)
        return latest
    if entries and entries[-1].error is not None:
        raise entries[-1].error
    raise EngineMissing(f"no version of {model!r} was adopted in {data}")


def open_adopted(data: Path, model: str, version: str | None) -> Version:
    """The adopted version of that name, or the latest if none is named."""
    return open_signed(data, model, version) if version else open_latest(data, model)


def open_folder(folder: Path) -> Version:
    """A folder by its own manifest: its files are pinned, but nobody signed it.

    Good for measuring and for adopting, never for inspecting a line's images. Nobody
    has looked into its networks: see untrusted/folders.py for strangers'.
    """
    if not (folder / MANIFEST).is_file():
        raise EngineMissing(
            f"{folder} has no {MANIFEST}", "Give a version folder, or a model's name."
        )
    text = files.read_plain(folder / MANIFEST, MAX_MANIFEST)
    return Version(folder, Manifest.parse(text))


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


def read_signed(
    folder: Path, data: Path, owners: files.Owners
) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of a folder's manifest, and the keys that signed exactly these.

    While keys rotate, ring, manifest and signature are replaced one after the other:
    so they are looked at again as long as they change.
    """
    before = None
    while True:
        ring = KeyRing.load(data)
        text = files.read_plain(folder / MANIFEST, MAX_MANIFEST, owners)
        try:
            return text, _signers(folder, text, ring, owners)
        except (SignatureWrong, KeyUnknown):
            if (ring, text) == before:
                raise
            before = (ring, text)


def read_pinned(path: Path, pin: FilePin, owners: files.Owners | None) -> bytes:
    """A file's bytes, once they are known to be the ones pinned."""
    content = files.read_plain(path, pin.size, owners)
    found = hashlib.sha256(content).hexdigest()
    if len(content) != pin.size or not hmac.compare_digest(found, pin.sha256):
        raise FileAltered(f"{path} differs from its manifest (SHA-256 {found[:12]}…)")
    return content


def _signers(
    folder: Path, text: bytes, ring: KeyRing, owners: files.Owners
) -> tuple[str, ...]:
    try:
        signature = files.read_plain(folder / SIGNATURE, MAX_MANIFEST, owners)
    except FileMissing as error:
        raise SignatureMissing(f"{folder} is not signed") from error
    try:
        return verify(text, signature, ring)
    except SignatureWrong as error:
        try:
            coming = files.read_plain(folder / COMING_SIGNATURE, MAX_MANIFEST, owners)
        except FileMissing:
            raise error from None
    return verify(text, coming, ring)
