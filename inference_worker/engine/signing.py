"""The site's signatures on a manifest: HMAC-SHA256, and perhaps Ed25519."""

from __future__ import annotations

import hashlib
import hmac
import re

from inference_worker.engine import ed25519
from inference_worker.engine.ed25519 import PrivateKey
from inference_worker.engine.errors import SignatureWeak, SignatureWrong
from inference_worker.engine.keyring import ED25519, KeyRing

PURPOSE = b"causeline-engine-v1\0"
"""Comes before the manifest, so a signature is good for nothing else."""

_LINES = re.compile(
    rb"(hmac-sha256 ([0-9a-f]{8}) [0-9a-f]{64}\n)"
    rb"(?:ed25519 ([0-9a-f]{8}) ([0-9a-f]{128})\n)?"
)


def sign(manifest: bytes, ring: KeyRing, private: PrivateKey | None = None) -> bytes:
    """The content of `manifest.sig`: algorithm, key id and code, a newline each."""
    line = _line(manifest, ring, ring.active)
    if private is None:
        return line
    code = private.sign(PURPOSE + manifest).hex()
    return line + f"ed25519 {private.kid} {code}\n".encode()


def verify(manifest: bytes, signature: bytes, ring: KeyRing) -> tuple[str, ...]:
    """The ids of the keys that signed exactly these bytes, the HMAC's first.

    Every line must hold, whatever the ring requires; only where it requires Ed25519
    may the HMAC be of a key that is not here. Raises SignatureWrong, SignatureWeak,
    KeyUnknown, KeyRevoked or KeyExpired. The whole line is compared, so that no second
    spelling of a signature is good either.
    """
    match = _LINES.fullmatch(signature)
    if match is None:
        raise SignatureWrong("manifest.sig is not a signature of ours")
    strict = ring.require == ED25519
    if strict and match[3] is None:
        raise SignatureWeak("the key ring requires Ed25519, and there is none")
    kid = match[2].decode()
    if not strict or kid in ring.keys or kid in ring.revoked:
        _check_hmac(manifest, match[1], ring, kid)
    if match[3] is None:
        return (kid,)
    _check_ed25519(manifest, match[4], ring, match[3].decode())
    return kid, match[3].decode()


def check_may_sign(ring: KeyRing, private: PrivateKey | None) -> None:
    """Before work whose result could not be loaded here. Raises SignatureWeak where
    Ed25519 is required and there is no private key, KeyUnknown where its public half
    is not in the ring, KeyRevoked or KeyExpired.
    """
    if private is not None:
        ring.verifying(private.kid)
    elif ring.require == ED25519:
        raise SignatureWeak("the key ring requires Ed25519")


def is_ed25519(signature: bytes) -> bool:
    """Whether it has both lines; says nothing of their worth."""
    match = _LINES.fullmatch(signature)
    return match is not None and match[3] is not None


def _check_hmac(manifest: bytes, line: bytes, ring: KeyRing, kid: str) -> None:
    if not hmac.compare_digest(_line(manifest, ring, kid), line):
        raise SignatureWrong(f"manifest.json is not what key {kid} signed")


def _check_ed25519(manifest: bytes, code: bytes, ring: KeyRing, kid: str) -> None:
    public = ring.verifying(kid)
    if not ed25519.is_genuine(public, bytes.fromhex(code.decode()), PURPOSE + manifest):
        raise SignatureWrong(f"manifest.json is not what Ed25519 key {kid} signed")


def _line(manifest: bytes, ring: KeyRing, kid: str) -> bytes:
    code = hmac.new(ring.secret(kid), PURPOSE + manifest, hashlib.sha256).hexdigest()
    return f"hmac-sha256 {kid} {code}\n".encode()
