"""Signing anew what verifies: for a new key, or to go back to an older release.

Each function changes the ring, the signatures and the log in such an order that a
process killed at any point leaves everything loadable, and can be run again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from inference_worker.engine import clock, files, history
from inference_worker.engine.built import EngineManifest
from inference_worker.engine.ed25519 import PrivateKey, check_secret
from inference_worker.engine.entries import (
    Signed,
    engines_of,
    newest_release,
    open_named,
)
from inference_worker.engine.errors import (
    EngineMissing,
    ManifestError,
    SignatureWeak,
    StateUnusable,
    StoreError,
)
from inference_worker.engine.fields import canonical
from inference_worker.engine.history import History
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.signing import check_may_sign, is_ed25519, sign
from inference_worker.engine.store import (
    COMING_SIGNATURE,
    ENGINES,
    MANIFEST,
    SIGNATURE,
    Version,
    list_signed,
    open_signed,
    root,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resigned:
    """What became of one version or engine; `error` where it did not verify."""

    model: str
    version: str
    engine: str | None
    error: StoreError | ManifestError | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    kid: str
    dropped: tuple[str, ...]
    resigned: tuple[Resigned, ...]


def resign(
    data: Path, private: PrivateKey | None = None, model: str | None = None
) -> list[Resigned]:
    """Sign with the active key what another good key signed, or Ed25519 did not."""
    with files.turn(root(data)):
        ring = KeyRing.load(data)
        _check_private(data, ring, private)
        done = list(_resign(data, ring, private, model))
        history.note(data, ring, "sign", kid=ring.active, count=len(done))
    return done


def rotate(data: Path, window_days: int, private: PrivateKey | None = None) -> Rotation:
    """A new key signs from now on; the old ones verify for `window_days` more.

    Keys whose time is over are dropped. Raises SignatureWeak, before anything is
    changed, where an Ed25519 signature would be lost.
    """
    with files.turn(root(data)):
        ring = KeyRing.load(data)
        _check_private(data, ring, private)
        History.load(data, ring)  # raises what would raise in the middle
        dropped = tuple(
            kid for kid, last in ring.not_after.items() if last < clock.now()
        )
        ring = ring.without(dropped).with_new_key(clock.in_days(window_days))
        ring.save(data)
        done = tuple(_resign(data, ring, private, None))
        history.note(data, ring, "rotate", kid=ring.active, dropped=list(dropped))
        history.restate(data, ring)
    return Rotation(ring.active, dropped, done)


def revoke(data: Path, kid: str) -> KeyRing:
    """Trust a key no more, at once. Nothing is signed anew: whoever had the key may
    have signed it. Where it was the active one, a new one signs from now on.
    """
    with files.turn(root(data)):
        ring = KeyRing.load(data)
        if kid not in {*ring.keys, *ring.public}:
            raise EngineMissing(f"key {kid!r} is not in the ring", "See: keys list")
        if kid == ring.active:
            ring = ring.with_new_key(clock.now())
            ring.save(data)
        # The log and the history go over to a key that stays, before this one goes. It
        # goes all the same: whoever has it may be who damaged them.
        try:
            history.note(data, ring, "revoke", kid=kid)
            history.restate(data, ring)
        except StateUnusable as error:
            log.warning("this is not in the audit log: %s", error)
        ring = replace(ring.without([kid]), revoked={**ring.revoked, kid: clock.now()})
        ring.save(data)
    return ring


def trust(data: Path, public: bytes, kid: str) -> KeyRing:
    """Let an Ed25519 key verify. Raises KeyRingError for one that keeps no secret."""
    check_secret(public)
    with files.turn(root(data)):
        ring = KeyRing.load_or_create(data)
        history.note(data, ring, "trust", kid=kid, public=public.hex())
        ring = replace(ring, public={**ring.public, kid: public})
        ring.save(data)
    return ring


def require(data: Path, algorithm: str) -> KeyRing:
    """Load nothing any more without that kind of signature."""
    with files.turn(root(data)):
        ring = replace(KeyRing.load(data), require=algorithm)
        history.note(data, ring, "require", algorithm=algorithm)
        ring.save(data)
    return ring


def roll_back_version(
    data: Path, model: str, version: str, private: PrivateKey | None = None
) -> Manifest:
    """Make an adopted version the newest again, naming the one it takes over from."""
    with files.turn(root(data)):
        ring = KeyRing.load(data)
        check_may_sign(ring, private)
        found = open_signed(data, model, version)
        found.read_all()
        every = [e.version for e in list_signed(data) if e.model == model and e.version]
        last = max(every, key=lambda one: one.manifest.release_seq)
        seen = History.load(data, ring).newest.get(model)
        seq = 1 + max(last.manifest.release_seq, seen.release_seq if seen else 0)
        previous = {"version": last.manifest.version, "sha256": last.release.sha256}
        fields = {"release_seq": seq, "previous": previous, "kid": ring.active}
        manifest = Manifest.parse(canonical({**found.manifest.raw, **fields}))
        _replace(found.folder, manifest.canonical(), ring, private)
        told = {"model": model, "version": version, "release_seq": seq}
        history.note(data, ring, "rollback", **told, replaced=last.manifest.version)
        history.record(data, ring, model, open_signed(data, model, version).release)
    return manifest


def roll_back_engine(
    data: Path, model: str, version: str, name: str, private: PrivateKey | None = None
) -> EngineManifest:
    """The same of a built engine, among those of its kind."""
    with files.turn(root(data)):
        ring = KeyRing.load(data)
        check_may_sign(ring, private)
        found = open_named(data, model, version, name)
        found.manifest.check_time()
        for file in found.manifest.files:
            found.read(file)
        newest = newest_release(data, model, found.manifest.environment.kind)
        last = next(
            entry.signed.manifest.reference
            for entry in engines_of(data, model)
            if entry.signed and (newest is None or entry.signed.release == newest)
        )
        seq = 1 + (newest.release_seq if newest else 0)
        manifest = found.manifest.changed(
            release_seq=seq, previous=last, kid=ring.active
        )
        _replace(found.folder, manifest.canonical(), ring, private)
        told = {"model": model, "version": version, "engine": name, "release_seq": seq}
        history.note(data, ring, "rollback", **told, replaced=last["engine"])
        signed = open_named(data, model, version, name)
        history.record(data, ring, manifest.chain, signed.release)
    return manifest


def _resign(
    data: Path, ring: KeyRing, private: PrivateKey | None, model: str | None
) -> Iterator[Resigned]:
    for entry in list_signed(data):
        if model not in (None, entry.model):
            continue
        if entry.version is None:
            yield Resigned(entry.model, entry.name, None, entry.error)
        elif _again(entry.version, entry.version.manifest, ring, private):
            yield Resigned(entry.model, entry.name, None)
        for one in engines_of(data, entry.model, entry.name):
            if one.signed is None:
                yield Resigned(one.model, one.version, one.name, one.error)
            elif _again(one.signed, one.signed.manifest, ring, private):
                yield Resigned(one.model, one.version, one.name)


def _check_private(data: Path, ring: KeyRing, private: PrivateKey | None) -> None:
    """Raises SignatureWeak where signing without it would lose a signature."""
    check_may_sign(ring, private)
    signatures = root(data).glob(f"*/*/{SIGNATURE}")
    built = root(data).glob(f"*/*/{ENGINES}/*/{SIGNATURE}")
    for path in (*signatures, *built):
        if private is None and is_ed25519(path.read_bytes()):
            raise SignatureWeak(f"{path.parent} has an Ed25519 signature to be kept")


def _again(
    found: Version | Signed,
    manifest: Manifest | EngineManifest,
    ring: KeyRing,
    private: PrivateKey | None,
) -> bool:
    """False where it is signed so already."""
    wanted = (ring.active,) if private is None else (ring.active, private.kid)
    if found.kids == wanted:
        return False
    text = canonical({**manifest.raw, "kid": ring.active})
    _replace(found.folder, text, ring, private)
    return True


def _replace(
    folder: Path, text: bytes, ring: KeyRing, private: PrivateKey | None
) -> None:
    """At every point in between one of the two signatures is the manifest's."""
    files.replace(folder / COMING_SIGNATURE, sign(text, ring, private))
    files.replace(folder / MANIFEST, text)
    (folder / COMING_SIGNATURE).rename(folder / SIGNATURE)
    files.flush_folder(folder)
