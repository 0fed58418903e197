"""Engines that were built here, as they lie in the store: found, and their manifests
verified. Plans are read by who asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine import files
from inference_worker.engine.built import PLAN, EngineManifest
from inference_worker.engine.errors import (
    EngineForeign,
    EngineMissing,
    ManifestError,
    ManifestMisplaced,
    StoreError,
)
from inference_worker.engine.fields import NAME
from inference_worker.engine.history import History, Release
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.store import (
    ENGINES,
    Version,
    folder_of,
    read_pinned,
    read_signed,
    root,
    version_folders,
)


@dataclass(frozen=True, slots=True)
class Signed:
    """An engine whose manifest was verified; nothing else of it was read."""

    folder: Path
    manifest: EngineManifest
    kids: tuple[str, ...]
    owners: files.Owners

    def read(self, name: str) -> bytes:
        """One of its files, checked. Raises EngineMissing, FileAltered, PlanWrong …"""
        pinned = self.manifest.files.get(name)
        if pinned is None:
            raise EngineMissing(f"{self.folder} has no {name}")
        content = read_pinned(self.folder / name, pinned, self.owners)
        if name == PLAN:
            self.manifest.environment.check_plan(content)
        return content

    @property
    def release(self) -> Release:
        previous = self.manifest.previous or {}
        sha256 = self.manifest.plan.sha256
        return Release(self.manifest.release_seq, sha256, previous.get("sha256"))


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One folder of built engines: `signed` when it verifies, or else the `error`."""

    model: str
    version: str
    name: str
    signed: Signed | None
    error: StoreError | ManifestError | None


def engines_of(
    data: Path, model: str, version: str | None = None
) -> Iterator[EngineEntry]:
    """The engines of a version, or of all of a model, by name; plans are not read."""
    for folder in version_folders(root(data)):
        if folder.parent.name != model or version not in (None, folder.name):
            continue
        for path in sorted((folder / ENGINES).glob("*/")):
            if NAME.fullmatch(path.name):
                yield _entry(data, path)


def open_named(data: Path, model: str, version: str, name: str) -> Signed:
    """An engine by its name, its signature checked before its manifest is parsed."""
    if not NAME.fullmatch(name):
        raise EngineMissing(f"{name!r} is not the name of an engine")
    folder = folder_of(data, model, version) / ENGINES / name
    if not folder.is_dir():
        raise EngineMissing(f"{model} {version} has no engine {name}")
    return _signed(data, folder)


def newest_release(data: Path, model: str, kind: str) -> Release | None:
    """The highest of a chain, of those that are there and those that were seen."""
    chain = f"{model}/{kind}"
    seen = History.load(data, KeyRing.load(data)).newest.get(chain)
    there = [
        entry.signed.release
        for entry in engines_of(data, model)
        if entry.signed is not None and entry.signed.manifest.chain == chain
    ]
    every = there + ([seen] if seen else [])
    return max(every, key=lambda release: release.release_seq, default=None)


def check_onnx(version: Version, sha256: str) -> None:
    """Raises EngineForeign unless the version has a file of that hash."""
    if sha256 not in {pinned.sha256 for pinned in version.manifest.files.values()}:
        told = version.manifest
        raise EngineForeign(
            f"it was not built from a file of {told.model} {told.version}"
        )


def _entry(data: Path, folder: Path) -> EngineEntry:
    version = folder.parent.parent
    where = (version.parent.name, version.name, folder.name)
    try:
        return EngineEntry(*where, _signed(data, folder), None)
    except (StoreError, ManifestError) as error:
        return EngineEntry(*where, None, error)


def _signed(data: Path, folder: Path) -> Signed:
    owners = files.owners_of(data)
    text, kids = read_signed(folder, data, owners)
    manifest = EngineManifest.parse(text)
    version = folder.parent.parent
    told = (manifest.model, manifest.version, manifest.engine, manifest.kid)
    if told != (version.parent.name, version.name, folder.name, kids[0]):
        raise ManifestMisplaced(f"{folder} holds the manifest of another: {told}")
    return Signed(folder, manifest, kids, owners)
