"""Engines that were built here: signed, and opened only where and while they may run.

They lie at `<version>/engines/<name>/`: the plan, its timing cache, `manifest.json` and
`manifest.sig`. Deserialising a plan is running its code, so bytes are handed out only
after every check has passed on them: signature, key, last day, machine, place in the
order of releases, hash, and the plan's own header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine import history
from inference_worker.engine.built import PLAN, EngineManifest, Machine
from inference_worker.engine.entries import (
    EngineEntry,
    Signed,
    check_onnx,
    engines_of,
    open_named,
)
from inference_worker.engine.errors import (
    EngineMissing,
    ManifestError,
    OtherGpu,
    RolledBack,
    StoreError,
)
from inference_worker.engine.fields import FilePin
from inference_worker.engine.history import History
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.store import Version, open_signed

RECHECK_SECONDS = 60.0
"""How often a running worker asks `recheck`."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What may be deserialised: exactly these bytes, and no others."""

    manifest: EngineManifest
    plan: bytes
    kids: tuple[str, ...]


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
    check_onnx(version, manifest.onnx_sha256)
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
