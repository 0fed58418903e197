"""Ed25519 signatures: who checks them cannot make them.

The private key lies in a file of its own (PEM, mode 0400), away from the workers. The
`cryptography` package is only needed where such signatures are made or checked.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from inference_worker.engine import files
from inference_worker.engine.errors import KeyRingError, KeyRingExposed, PackageMissing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MAX_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Its id is the beginning of its public key's hash, the same wherever it goes."""

    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new one in a new file. Raises KeyRingError where there is one already."""
        _needed()
        from cryptography.hazmat.primitives.asymmetric import ed25519
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        key = ed25519.Ed25519PrivateKey.generate()
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write_new(path, key.private_bytes(*form))
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises KeyRingError for what is no such key, or not its owner's alone."""
        _needed()
        from cryptography.hazmat.primitives.asymmetric import ed25519
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if not path.exists():
            raise KeyRingError(f"{path} does not exist", "Give the private key's file.")
        if stat.S_IMODE(path.stat().st_mode) & 0o377:
            raise KeyRingExposed(f"{path} must have mode 0400")
        try:
            key = load_pem_private_key(files.read_plain(path, _MAX_BYTES), None)
        except ValueError as error:
            raise KeyRingError(f"{path} is not a private key") from error
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise KeyRingError(f"{path} is not an Ed25519 key")
        return cls(key)

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def kid(self) -> str:
        return kid_of(self.public)

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)


def kid_of(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:8]


def is_genuine(public: bytes, signature: bytes, message: bytes) -> bool:
    _needed()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ed25519

    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(public)
        key.verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_secret(public: bytes) -> None:
    """Raises KeyRingError for a public key that has no private one: of the few points
    of small order, zeros among them. For such a key a signature of nothing holds, with
    every eighth message or more.
    """
    nothing = b"\x01" + bytes(63)
    if any(is_genuine(public, nothing, bytes([n])) for n in range(256)):
        raise KeyRingError(
            f"{public.hex()} is no public key: anybody could sign for it",
            "Copy it from `keys list` on the machine that signs.",
        )


def _needed() -> None:
    try:
        import cryptography  # noqa: F401
    except ModuleNotFoundError as error:
        raise PackageMissing("Ed25519 signatures need cryptography") from error


def _write_new(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    except FileExistsError as error:
        raise KeyRingError(f"{path} is there already", "Name a new file.") from error
    except OSError as error:
        raise KeyRingError(f"{path}: {error.strerror}", "Name another file.") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
