"""The site's own keys for signing model manifests, in `keys/` of the data folder."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from inference_worker.engine.errors import KeyRingError, KeyUnknown

FILE = Path("keys/engine-signing.json")
_SECRET = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by their id; `active` names the one that signs, all of them verify."""

    active: str
    keys: Mapping[str, bytes]

    @classmethod
    def load(cls, data: Path) -> Self:
        """The ring of a data folder; KeyRingError when missing or damaged."""
        try:
            return cls._parse((data / FILE).read_bytes())
        except FileNotFoundError as error:
            raise KeyRingError(
                f"{data / FILE} does not exist",
                "Nothing was adopted here yet: python -m inference_worker adopt",
            ) from error
        except (OSError, ValueError) as error:
            raise KeyRingError(f"{data / FILE} is unusable: {error}") from error

    @classmethod
    def load_or_create(cls, data: Path) -> Self:
        """The ring, made with one fresh key on a site's first start.

        Of two processes that start at once one makes it and both read that one.
        """
        if not (data / FILE).exists():
            _create(data / FILE)
        return cls.load(data)

    def secret(self, kid: str) -> bytes:
        if kid not in self.keys:
            raise KeyUnknown(f"key {kid!r} is not in the ring")
        return self.keys[kid]

    @classmethod
    def _parse(cls, text: bytes) -> Self:
        ring = json.loads(text)
        if not isinstance(ring, dict) or ring.get("schema") != 1:
            raise ValueError("not a key ring of schema 1")
        keys, active = ring.get("keys"), str(ring.get("active"))
        if not isinstance(keys, dict) or active not in keys:
            raise ValueError("the active key is not in it")
        if not all(_SECRET.fullmatch(str(secret)) for secret in keys.values()):
            raise ValueError("a key is not 32 bytes in hex")
        return cls(active, {kid: bytes.fromhex(key) for kid, key in keys.items()})


def _create(path: Path) -> None:
    """Write a new ring, readable by its owner only, unless one is there by now."""
    kid = secrets.token_hex(4)
    ring = {"schema": 1, "active": kid, "keys": {kid: secrets.token_hex(32)}}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(ring, file)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o400)
        with contextlib.suppress(FileExistsError):
            # A link, unlike a rename, never replaces what another process wrote.
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
