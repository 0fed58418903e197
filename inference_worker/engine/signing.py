"""The site's signature on a manifest: HMAC-SHA256 in one line of text."""

from __future__ import annotations

import hashlib
import hmac
import re

from inference_worker.engine.errors import SignatureWrong
from inference_worker.engine.keyring import KeyRing

PURPOSE = b"causeline-engine-v1\0"
"""Comes before the manifest, so a signature is good for nothing else."""

_LINE = re.compile(rb"hmac-sha256 ([0-9a-f]{8}) [0-9a-f]{64}\n")


def sign(manifest: bytes, ring: KeyRing) -> bytes:
    """The content of `manifest.sig`: algorithm, key id and code, a newline."""
    return _line(manifest, ring, ring.active)


def verify(manifest: bytes, signature: bytes, ring: KeyRing) -> str:
    """The id of the key that signed exactly these bytes.

    Raises SignatureWrong or KeyUnknown. The whole line is compared, so that no
    second spelling of a signature is good either.
    """
    match = _LINE.fullmatch(signature)
    if match is None:
        raise SignatureWrong("manifest.sig is not a signature of ours")
    kid = match[1].decode()
    if not hmac.compare_digest(_line(manifest, ring, kid), signature):
        raise SignatureWrong(f"manifest.json is not what key {kid} signed")
    return kid


def _line(manifest: bytes, ring: KeyRing, kid: str) -> bytes:
    code = hmac.new(ring.secret(kid), PURPOSE + manifest, hashlib.sha256).hexdigest()
    return f"hmac-sha256 {kid} {code}\n".encode()
