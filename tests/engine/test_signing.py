"""The site's signature, and the ring of keys behind it."""

from __future__ import annotations

import hmac
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_worker.engine import keyring
from inference_worker.engine.errors import KeyRingError, SignatureWrong
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.signing import sign, verify
from inference_worker.engine.store import open_signed


@given(st.binary(max_size=200))
def test_a_signature_is_good_for_its_manifest_and_ring_only(manifest: bytes) -> None:
    ring = KeyRing("00000000", {"00000000": b"k" * 32})
    other = KeyRing("00000000", {"00000000": b"K" * 32})
    line = sign(manifest, ring)
    assert verify(manifest, line, ring) == "00000000"
    for text, held in ((manifest + b" ", ring), (manifest, other)):
        with pytest.raises(SignatureWrong):
            verify(text, line, held)


def test_the_signature_is_what_the_contract_says() -> None:
    ring = KeyRing("0000000a", {"0000000a": b"k" * 32})
    code = hmac.new(b"k" * 32, b"causeline-engine-v1\0{}", "sha256").hexdigest()
    assert sign(b"{}", ring) == f"hmac-sha256 0000000a {code}\n".encode()


def test_no_second_spelling_of_a_signature_is_good() -> None:
    ring = KeyRing("0000000a", {"0000000a": b"k" * 32})
    line = sign(b"manifest", ring)
    spellings = (line.upper(), line.strip(), line + b"\n", line.replace(b" ", b"  ", 1))
    for spelling in spellings:
        with pytest.raises(SignatureWrong):
            verify(b"manifest", spelling, ring)


def test_the_ring_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = KeyRing.load_or_create(tmp_path)
    assert KeyRing.load_or_create(tmp_path) == first
    assert stat.S_IMODE((tmp_path / keyring.FILE).stat().st_mode) == 0o400
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [keyring.FILE.name]


def test_a_ring_that_came_first_is_kept(tmp_path: Path) -> None:
    first = KeyRing.load_or_create(tmp_path)
    keyring._create(tmp_path / keyring.FILE)
    assert KeyRing.load(tmp_path) == first


def test_an_old_key_verifies_what_it_signed(data: Path) -> None:
    path = data / keyring.FILE
    ring = json.loads(path.read_text())
    ring["keys"]["00000000"] = "00" * 32
    ring["active"] = "00000000"
    path.chmod(0o600)
    path.write_text(json.dumps(ring))
    assert open_signed(data, "toy", "1").manifest.kid != "00000000"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"schema": 2}',
        '{"schema": 1, "active": "a", "keys": {}}',
        '{"schema": 1, "active": "a", "keys": {"a": "short"}}',
        '{"schema": 1, "active": "a", "keys": []}',
    ],
)
def test_a_damaged_ring_is_said_to_be(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / keyring.FILE).write_text(content)
    with pytest.raises(KeyRingError, match="unusable"):
        KeyRing.load(tmp_path)
