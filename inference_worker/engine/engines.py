"""Engines that were built here: signed, and opened only where and while they may run.

They lie at `<version>/engines/<name>/`: the plan, its timing cache, `manifest.json` and
`manifest.sig`. Deserialising a plan is running its code, so bytes are handed out only
after every check has passed on them: signature, key, last day, machine, place in the
order of releases, hash, and the plan's own header.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inference_worker.engine import clock, files, history
from inference_worker.engine.built import (
    PLAN,
    TIMING_CACHE,
    EngineManifest,
    Environment,
    Machine,
)
from inference_worker.engine.ed25519 import PrivateKey
from inference_worker.engine.errors import (
    EngineConflict,
    EngineForeign,
    EngineMissing,
    ManifestError,
    ManifestMisplaced,
    OtherGpu,
    RolledBack,
    StoreError,
)
from inference_worker.engine.fields import NAME, SCHEMA, FilePin, canonical, pin
from inference_worker.engine.history import History, Release
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.signing import check_may_sign, sign
from inference_worker.engine.store import (
    ENGINES,
    MANIFEST,
    SIGNATURE,
    Version,
    folder_of,
    open_signed,
    read_pinned,
    read_signed,
    root,
    version_folders,
)

RECHECK_SECONDS = 60.0
"""How often a running worker asks `recheck`."""


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
class Engine:
    """What may be deserialised: exactly these bytes, and no others."""

    manifest: EngineManifest
    plan: bytes
    kids: tuple[str, ...]


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


def open_engine(
    data: Path,
    model: str,
    version: str,
    machine: Machine,
    *,
    precision: str | None = None,
    previous: bool = False,
) -> Engine:
    """The newest engine of a version for this machine, or with `previous` the one that
    its manifest names as its predecessor, whatever version that was built from.

    Raises EngineMissing when none was built, else the StoreError or ManifestError that
    keeps the newest from being used.
    """

    def fits(found: EngineManifest) -> None:
        found.environment.check(machine)
        if precision not in (None, found.environment.precision):
            raise EngineMissing(f"{model} {version} has no engine in {precision}")

    entries = list(engines_of(data, model, version))
    current = _newest(entries, fits)
    if previous:
        return _open_previous(data, model, current, fits)
    if isinstance(current, Signed):
        try:
            return _open(data, current)
        except RolledBack as error:
            raise _first_error(entries) or error from error
    raise current or EngineMissing(
        f"no engine of {model} {version} was built here",
        "Build one with: python -m inference_worker build",
    )


def write_engine(
    data: Path,
    version: Version,
    onnx_sha256: str,
    plan: bytes,
    timing_cache: bytes | None,
    environment: Environment,
    *,
    name: str | None = None,
    expires: str | None = None,
    private: PrivateKey | None = None,
) -> EngineManifest:
    """Sign what was just built from a file of the version, and put it in place in one
    step as the newest of its kind, naming the one before.

    `name` is by default its kind and release, `sm90-int8.4`. Raises EngineForeign,
    PlanWrong, EngineConflict or ManifestError, and then nothing was written.
    """
    environment.check_plan(plan)
    _check_onnx(version, onnx_sha256)
    told = {**asdict(environment), "profiles": list(environment.profiles)}
    contents = {PLAN: plan}
    if timing_cache:
        contents[TIMING_CACHE] = timing_cache
    with files.turn(root(data)):
        ring = KeyRing.load(data)
        check_may_sign(ring, private)
        newest = newest_release(data, version.manifest.model, environment.kind)
        seq = newest.release_seq + 1 if newest else 1
        manifest = EngineManifest.parse(
            canonical(
                {
                    "schema": SCHEMA,
                    "kind": "engine",
                    "model": version.manifest.model,
                    "version": version.manifest.version,
                    "engine": name or f"{environment.kind}.{seq}",
                    "release_seq": seq,
                    "previous": _reference(data, version.manifest.model, newest),
                    "kid": ring.active,
                    "created": clock.now(),
                    "expires": expires,
                    "onnx_sha256": onnx_sha256,
                    "files": {file: pin(text) for file, text in contents.items()},
                    "environment": told,
                }
            )
        )
        _publish(data, manifest, contents, ring, private)
    return manifest


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


def open_named(data: Path, model: str, version: str, name: str) -> Signed:
    """An engine by its name, its signature checked before its manifest is parsed."""
    if not NAME.fullmatch(name):
        raise EngineMissing(f"{name!r} is not the name of an engine")
    folder = folder_of(data, model, version) / ENGINES / name
    if not folder.is_dir():
        raise EngineMissing(f"{model} {version} has no engine {name}")
    return _signed(data, folder)


def recheck(data: Path, opened: Version | Engine) -> None:
    """Whether what a worker runs may still run: its keys neither revoked nor gone, its
    last day not over. To be asked every RECHECK_SECONDS.

    What was signed anew meanwhile is good when its files are still the same. Raises
    the StoreError that keeps it from being opened now.
    """
    ring = KeyRing.load(data)
    if isinstance(opened, Engine):
        opened.manifest.check_time()
    try:
        for kid in opened.kids:
            ring.check(kid)
    except StoreError:
        found = opened.manifest
        if _pins_now(data, opened) != found.files:
            raise


def _pins_now(data: Path, opened: Version | Engine) -> Mapping[str, FilePin]:
    told = opened.manifest
    if isinstance(opened, Engine):
        name = opened.manifest.engine
        return open_named(data, told.model, told.version, name).manifest.files
    return open_signed(data, told.model, told.version).manifest.files


def _newest(
    entries: Iterable[EngineEntry], fits: Callable[[EngineManifest], None]
) -> Signed | StoreError | ManifestError | None:
    """The newest that fits; or why there is none, by an engine that does not verify
    rather than by one that is for another machine.
    """
    good, others = list[Signed](), None  # a mixed line has engines for other cards
    for signed in (entry.signed for entry in entries if entry.signed is not None):
        try:
            fits(signed.manifest)
            good.append(signed)
        except StoreError as error:
            if others is None or isinstance(others, OtherGpu):
                others = error
    if good:
        return max(good, key=lambda one: one.manifest.release_seq)
    return _first_error(entries) or others


def _first_error(entries: Iterable[EngineEntry]) -> StoreError | ManifestError | None:
    """Why the newest is not to be seen: then an older one is not the news."""
    return next((entry.error for entry in entries if entry.error is not None), None)


def _open(data: Path, signed: Signed) -> Engine:
    chain = signed.manifest.chain
    history.admit(data, KeyRing.load(data), chain, signed.release)
    return _read(data, signed)


def _read(data: Path, signed: Signed) -> Engine:
    """The checks that are left, then the bytes that passed them all."""
    manifest = signed.manifest
    manifest.check_time()
    version = open_signed(data, manifest.model, manifest.version)
    _check_onnx(version, manifest.onnx_sha256)
    return Engine(manifest, signed.read(PLAN), signed.kids)


def _open_previous(
    data: Path,
    model: str,
    current: Signed | Exception | None,
    fits: Callable[[EngineManifest], None],
) -> Engine:
    """Only what the newest manifest names, by its hash. Where that manifest is damaged
    the sealed history still knows what it named.
    """
    ring = KeyRing.load(data)
    if isinstance(current, Signed):
        with suppress(RolledBack):
            history.admit(data, ring, current.manifest.chain, current.release)
    seen = History.load(data, ring)
    why: Exception = EngineMissing(f"{model} has no engine that is named as previous")
    for signed in (entry.signed for entry in engines_of(data, model)):
        if signed is None or not _is_named(seen, signed):
            continue
        try:
            fits(signed.manifest)
            return _read(data, signed)
        except OtherGpu:
            continue
        except StoreError as error:
            why = error
    raise why


def _is_named(seen: History, signed: Signed) -> bool:
    return seen.is_named(signed.manifest.chain, signed.manifest.plan.sha256)


def _check_onnx(version: Version, sha256: str) -> None:
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


def _reference(data: Path, model: str, newest: Release | None) -> dict[str, Any] | None:
    """Of the newest, as far as it is still there."""
    for entry in engines_of(data, model):
        if entry.signed is not None and newest == entry.signed.release:
            return entry.signed.manifest.reference
    return None


def _publish(
    data: Path,
    manifest: EngineManifest,
    contents: Mapping[str, bytes],
    ring: KeyRing,
    private: PrivateKey | None,
) -> None:
    """Whole or not at all. The caller has the store's turn."""
    target = folder_of(data, manifest.model, manifest.version) / ENGINES
    target.mkdir(exist_ok=True)
    if (target / manifest.engine).exists():
        raise EngineConflict(f"{target / manifest.engine} is there already")
    text = manifest.canonical()
    every = {**contents, MANIFEST: text, SIGNATURE: sign(text, ring, private)}
    draft = Path(tempfile.mkdtemp(prefix=".", dir=target))
    try:
        for name, content in every.items():
            files.replace(draft / name, content)
        draft.chmod(0o755)
        draft.rename(target / manifest.engine)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    files.flush_folder(target)
    release = Release(
        manifest.release_seq,
        manifest.plan.sha256,
        manifest.previous["sha256"] if manifest.previous else None,
    )
    history.record(data, ring, manifest.chain, release)
