"""The site's own keys for signing model manifests, in `keys/` of the data folder.

One file, readable by its owner only: secret keys for HMAC-SHA256, public ones for
Ed25519, until when old ones are good, which were revoked, and which kind of signature
is required. It is replaced in one step, so a reader sees all of a change or nothing.
Schema 1 had `active` and `keys` only; it is read as it is and written as schema 2.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from inference_worker.engine import clock, files
from inference_worker.engine.errors import (
    KeyExpired,
    KeyRevoked,
    KeyRingError,
    KeyRingExposed,
    KeyUnknown,
    StoreError,
)
from inference_worker.engine.fields import TIME

FILE = Path("keys/engine-signing.json")
HMAC, ED25519 = "hmac-sha256", "ed25519"
REQUIREMENTS = (HMAC, ED25519)
KEY_BYTES = 32

_KID = re.compile(r"[0-9a-f]{8}")
_KEY = re.compile(r"[0-9a-f]{64}")
_MODE = 0o400
_MAX_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by their id; `active` names the one that signs, all of them verify.

    `not_after` ends the time of an old key, `revoked` says since when one is not
    trusted any more; its secret is gone then. `public` are Ed25519 keys. `require` is
    the kind of signature without which nothing is loaded.
    """

    active: str
    keys: Mapping[str, bytes] = field(repr=False)
    not_after: Mapping[str, str] = field(default_factory=dict)
    revoked: Mapping[str, str] = field(default_factory=dict)
    public: Mapping[str, bytes] = field(default_factory=dict)
    require: str = HMAC

    @classmethod
    def load(cls, data: Path) -> Self:
        """The ring of a data folder; KeyRingError when missing, damaged or exposed."""
        # Where an orchestrator mounts a secret, its file is a link.
        path = Path(os.path.realpath(data / FILE))
        if not path.exists():
            raise KeyRingError(
                f"{data / FILE} does not exist",
                "Nothing was adopted here yet: python -m inference_worker adopt",
            )
        try:
            _check_mode(path)
            text = files.read_plain(path, _MAX_BYTES, files.owners_of(data))
            return cls._parse(text)
        except KeyRingError:
            raise
        except (OSError, ValueError, RecursionError, StoreError) as error:
            raise KeyRingError(f"{path} is unusable: {error}") from error

    @classmethod
    def load_or_create(cls, data: Path) -> Self:
        """The ring, made with one fresh key on a site's first start.

        Of two processes that start at once one makes it and both read that one.
        """
        if not (data / FILE).exists():
            _create(data / FILE)
        return cls.load(data)

    def save(self, data: Path) -> None:
        """Put it in the place of the old one."""
        files.replace(data / FILE, self.to_json(), _MODE)

    def with_new_key(self, old_until: str) -> Self:
        """With a fresh one that signs; the others are good until then at most."""
        kid = new_kid()
        ends = {
            old: min(old_until, self.not_after.get(old, old_until)) for old in self.keys
        }
        keys = {**self.keys, kid: new_secret()}
        return replace(self, active=kid, keys=keys, not_after=ends)

    def without(self, kids: Collection[str]) -> Self:
        """Whatever is told of these keys; what was revoked stays so."""
        return replace(
            self,
            keys={kid: key for kid, key in self.keys.items() if kid not in kids},
            public={kid: key for kid, key in self.public.items() if kid not in kids},
            not_after={
                kid: end for kid, end in self.not_after.items() if kid not in kids
            },
        )

    def secret(self, kid: str) -> bytes:
        """Raises KeyRevoked, KeyUnknown or KeyExpired."""
        self._check(kid, self.keys)
        return self.keys[kid]

    def verifying(self, kid: str) -> bytes:
        """A public key, by the same rules."""
        self._check(kid, self.public)
        return self.public[kid]

    def check(self, kid: str) -> None:
        """Raises what `secret` or `verifying` would."""
        self._check(kid, {**self.keys, **self.public})

    def derived(self, kid: str, purpose: bytes) -> bytes:
        """A key for one purpose only (HKDF-SHA256), from a secret of the ring. An old
        key's last day does not matter: what it made is the site's own bookkeeping.
        """
        if kid not in self.keys:
            raise KeyUnknown(f"key {kid!r} is not in the ring")
        return hkdf(self.keys[kid], purpose)

    def to_json(self) -> bytes:
        ring = {
            "schema": 2,
            "active": self.active,
            "keys": {kid: key.hex() for kid, key in self.keys.items()},
            "not_after": dict(self.not_after),
            "revoked": dict(self.revoked),
            "public": {kid: key.hex() for kid, key in self.public.items()},
            "require": self.require,
        }
        return json.dumps(ring, sort_keys=True).encode()

    def _check(self, kid: str, keys: Mapping[str, bytes]) -> None:
        if kid in self.revoked:
            raise KeyRevoked(f"key {kid} was revoked on {self.revoked[kid]}")
        if kid not in keys:
            raise KeyUnknown(f"key {kid!r} is not in the ring")
        if kid in self.not_after and self.not_after[kid] < clock.now():
            raise KeyExpired(f"key {kid} was good until {self.not_after[kid]}")

    @classmethod
    def _parse(cls, text: bytes) -> Self:
        ring = json.loads(text)
        if not isinstance(ring, dict) or ring.get("schema") not in (1, 2):
            raise ValueError("not a key ring of schema 1 or 2")
        active, require = str(ring.get("active")), ring.get("require", HMAC)
        keys, public = _keys(ring, "keys"), _keys(ring, "public")
        not_after, revoked = _times(ring, "not_after"), _times(ring, "revoked")
        if active not in keys or active in revoked or active in not_after:
            raise ValueError("the active key is not in it, or no longer good")
        if require not in REQUIREMENTS:
            raise ValueError(f"it requires {require!r}, which is unknown")
        return cls(active, keys, not_after, revoked, public, require)


def new_kid() -> str:
    return secrets.token_hex(4)


def new_secret() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def hkdf(secret: bytes, purpose: bytes) -> bytes:
    """RFC 5869 with SHA-256, an empty salt and one block of output."""
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")


def _keys(ring: Mapping[str, Any], name: str) -> dict[str, bytes]:
    keys = _object(ring, name)
    if not all(isinstance(key, str) and _KEY.fullmatch(key) for key in keys.values()):
        raise ValueError("a key is not 32 bytes in hex")
    return {kid: bytes.fromhex(key) for kid, key in keys.items()}


def _times(ring: Mapping[str, Any], name: str) -> dict[str, str]:
    times = _object(ring, name)
    if not all(TIME.fullmatch(str(moment)) for moment in times.values()):
        raise ValueError(f"{name}: want 2026-11-22T12:00:00Z")
    return times


def _object(ring: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = ring.get(name, {})
    if not isinstance(found, dict) or not all(map(_KID.fullmatch, found)):
        raise ValueError(f"{name} must be an object with key ids of 8 hex digits")
    return found


def _check_mode(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~_MODE:
        raise KeyRingExposed(f"{path} has mode {mode:04o}, want {_MODE:04o}")


def _create(path: Path) -> None:
    """Write a new ring, readable by its owner only, unless one is there by now."""
    kid = new_kid()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(KeyRing(kid, {kid: new_secret()}).to_json())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_MODE)
        with contextlib.suppress(FileExistsError):
            # A link, unlike a rename, never replaces what another process wrote.
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
