"""The site's own bookkeeping, signed with a key that is good for one purpose only.

A sealed file is a line of canonical JSON and a line of HMAC-SHA256 over it. It stays on
this site, so it needs no Ed25519, and an old key's last day does not matter to it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

from inference_worker.engine.errors import ManifestError, SignatureWrong
from inference_worker.engine.fields import canonical, read_json
from inference_worker.engine.keyring import KeyRing

_SEAL = re.compile(rb"hmac-sha256 ([0-9a-f]{8}) [0-9a-f]{64}\n")


def seal(content: Mapping[str, Any], purpose: bytes, ring: KeyRing) -> bytes:
    """The whole of the file."""
    text = canonical(content) + b"\n"
    return text + _line(text, purpose, ring, ring.active)


def unseal(sealed: bytes, purpose: bytes, ring: KeyRing) -> dict[str, Any]:
    """Raises SignatureWrong or KeyUnknown."""
    text, newline, line = sealed.partition(b"\n")
    match = _SEAL.fullmatch(line)
    if match is None:
        raise SignatureWrong("it has no seal")
    found = _line(text + newline, purpose, ring, match[1].decode())
    if not hmac.compare_digest(found, line):
        raise SignatureWrong("it is not what was sealed")
    try:
        return read_json(text)
    except ManifestError as error:
        raise SignatureWrong(str(error)) from error


def code(text: bytes, purpose: bytes, ring: KeyRing, kid: str) -> str:
    return hmac.digest(ring.derived(kid, purpose), text, "sha256").hex()


def _line(text: bytes, purpose: bytes, ring: KeyRing, kid: str) -> bytes:
    return f"hmac-sha256 {kid} {code(text, purpose, ring, kid)}\n".encode()
