"""Making released model files the site's own: check, try, copy, sign."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.backends.registry import ON_PROCESSOR, open_backend
from inference_worker.engine.errors import (
    BackendError,
    BackendUnavailable,
    EngineConflict,
    EngineError,
    EngineMissing,
    ManifestError,
    StoreError,
    StoreUnusable,
)
from inference_worker.engine.files import flush_folder, turn
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.precision import INT8
from inference_worker.engine.signing import sign
from inference_worker.engine.store import (
    ENGINES,
    INT8_MODEL,
    MANIFEST,
    MODEL,
    SIGNATURE,
    Version,
    open_folder,
    open_signed,
    root,
    version_folders,
)
from inference_worker.quantise.errors import RulesBroken
from inference_worker.untrusted.confined import ConfinedBackend
from inference_worker.untrusted.errors import ModelRefused
from inference_worker.untrusted.folders import open_unsigned
from inference_worker.untrusted.limits import DEFAULT_PROBE

TRIED_WITHIN = DEFAULT_PROBE
"""What running a stranger's int8 once may take."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of one version; not `fresh` when it was there already, or when it was
    `refused`, with the reason.
    """

    model: str
    version: str
    fresh: bool
    refused: EngineError | None = None


def adopt(source: Path, data: Path, *, shipped: bool = False) -> list[Adopted]:
    """Adopt every `<model>/<version>/` below `source` into the data folder.

    1. Checks every file against the size and SHA-256 pinned in its manifest.
    2. Has a child look into every network, unless the source is `shipped`: part of the
       program, as much to be trusted as this function.
    3. Holds the file in 8 bits, which would be taken without being asked for, against
       the rules of `quantise/rules.py`, and runs it once (in a child, as above).
    4. Copies the bytes that were checked, beside a manifest naming the site's key.
    5. Signs that manifest and moves the folder into place in one step.

    A version that is there and verifies is left alone; one that does not is put
    right from the source. Processes that start at once take turns.

    One that is refused leaves the others alone: EngineConflict when a version of that
    name was adopted with other files, FileAltered or ManifestError when the source is
    not what was released, ModelRefused or SandboxUnavailable for a network that breaks
    a rule or cannot be looked into, RulesBroken, LoadFailed or InferenceFailed for its
    int8. Raises EngineMissing when there is nothing to adopt, KeyRingError and
    StoreUnusable when the data folder is no place for it.
    """
    folders = [folder for folder in version_folders(source) if _is_meant(folder)]
    if not folders:
        raise EngineMissing(
            f"{source} holds no model version", "Expected <model>/<version>/ in it."
        )
    try:
        with turn(root(data)):
            ring = KeyRing.load_or_create(data)
            return [_adopt_one(folder, data, ring, shipped) for folder in folders]
    except OSError as error:
        raise StoreUnusable(f"{data}: {error.strerror or error}") from error


def _is_meant(folder: Path) -> bool:
    """Not any folder in a folder: the source may hold other things."""
    return any((folder / name).exists() for name in (MANIFEST, MODEL))


def _adopt_one(folder: Path, data: Path, ring: KeyRing, shipped: bool) -> Adopted:
    model, version = folder.parent.name, folder.name
    opened = open_folder if shipped else open_unsigned
    try:
        fresh = _adopt(opened(folder), data, ring, shipped)
        return Adopted(model, version, fresh)
    except EngineError as error:
        return Adopted(model, version, fresh=False, refused=error)


def _adopt(released: Version, data: Path, ring: KeyRing, shipped: bool) -> bool:
    """False when it is there already."""
    manifest = released.manifest
    model, version = manifest.model, manifest.version
    if (model, version) != (released.folder.parent.name, released.folder.name):
        raise ManifestError(
            f"{released.folder} holds the manifest of {model} {version}"
        )
    target = root(data) / model / version
    if _is_adopted(released, data):
        return False
    files = released.read_all()
    if INT8_MODEL in files:
        _check_int8(manifest, files[INT8_MODEL], shipped)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=root(data)) as work:
        draft = Path(work) / version
        _write_signed(manifest, files, draft, ring)
        if (target / ENGINES).is_dir():  # what was built from it is signed by itself
            _link_all(target / ENGINES, draft / ENGINES)
        _swap(draft, target, Path(work) / "before")
    return True


def _link_all(source: Path, folder: Path) -> None:
    """The same files in both, so that they are in one of them whenever a run ends."""
    shutil.copytree(source, folder, symlinks=True, copy_function=os.link)
    for inner in (folder, *folder.rglob("*/")):
        flush_folder(inner)


def _swap(draft: Path, target: Path, aside: Path) -> None:
    """The draft in the target's place; what was there is moved aside, and only what
    holds `aside` is to be removed. Where that fails it is put back.
    """
    flush_folder(draft)
    there = target.exists()
    if there:
        target.rename(aside)
    try:
        draft.rename(target)
    except OSError:
        if there:
            aside.rename(target)
        raise
    flush_folder(target.parent)


def _is_adopted(released: Version, data: Path) -> bool:
    """True when the site's copy is whole; EngineConflict when it is another's."""
    manifest = released.manifest
    try:
        mine = open_signed(data, manifest.model, manifest.version)
        same = _essence(mine.manifest) == _essence(manifest)
        if same:
            mine.read_all()
            return True
    except (StoreError, ManifestError):
        return False
    raise EngineConflict(
        f"{manifest.model} {manifest.version} was adopted with other files",
        f"Give the new files a new version, or remove {mine.folder} to replace it.",
    )


def _essence(manifest: Manifest) -> dict[str, Any]:
    """What makes a version: not by whom it is signed, nor its place among the others,
    which a site changes when it goes back to an older one.
    """
    sites_own = ("kid", "release_seq", "previous")
    return {name: told for name, told in manifest.raw.items() if name not in sites_own}


def _check_int8(manifest: Manifest, model: bytes, shipped: bool) -> None:
    """It keeps the rules, and runs; the error names version and file."""
    # Whoever measures on a bare machine comes past here too, and needs no ONNX.
    from inference_worker.quantise.rules import check_rules

    try:
        check_rules(model)
        _try_int8(manifest, model, shipped)
    except ModelRefused as refused:
        text = f"{_named(manifest)}: {refused.told}"
        raise ModelRefused(refused.reason, text, refused.hint) from refused
    except (RulesBroken, BackendError) as error:
        raise type(error)(
            f"{_named(manifest)}: {error}",
            "Make it again with `quantise`, or take the version it was made from.",
        ) from error


def _named(manifest: Manifest) -> str:
    return f"{manifest.model} {manifest.version}: {INT8_MODEL}"


def _try_int8(manifest: Manifest, model: bytes, shipped: bool) -> None:
    """On the first backend that is installed here; where none is, nothing runs."""
    opened: Callable[..., Backend] = open_backend
    if not shipped:
        opened = partial(ConfinedBackend, limits=TRIED_WITHIN)
    for name in ON_PROCESSOR:
        try:
            runner = opened(name, manifest, model, precision=INT8)
        except BackendUnavailable:
            continue
        try:
            runner.warm_up()
        finally:
            runner.close()
        return


def _write_signed(
    manifest: Manifest, files: Mapping[str, bytes], folder: Path, ring: KeyRing
) -> None:
    """The checked files with a manifest of the site's own, safely on disk."""
    signed = manifest.signed_by(ring.active).canonical()
    every = {**files, MANIFEST: signed, SIGNATURE: sign(signed, ring)}
    folder.mkdir()
    for name, content in every.items():
        _write(folder / name, content)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
