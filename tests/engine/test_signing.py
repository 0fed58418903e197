"""The site's signature, and the ring of keys behind it."""

from __future__ import annotations

import hmac
import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from inference_worker.engine import keyring
from inference_worker.engine.ed25519 import PrivateKey
from inference_worker.engine.errors import (
    KeyExpired,
    KeyRevoked,
    KeyRingError,
    KeyRingExposed,
    KeyUnknown,
    SignatureWeak,
    SignatureWrong,
)
from inference_worker.engine.keyring import ED25519, KeyRing
from inference_worker.engine.resigning import trust
from inference_worker.engine.sealing import seal, unseal
from inference_worker.engine.signing import sign, verify
from inference_worker.engine.store import open_signed


def ring_text(**changes: Any) -> str:
    ring = {"schema": 2, "active": "00000000", "keys": {"00000000": "00" * 32}}
    return json.dumps(ring | changes)


def write_ring(path: Path, content: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(content)
    path.chmod(0o400)


@given(st.binary(max_size=200))
def test_a_signature_is_good_for_its_manifest_and_ring_only(manifest: bytes) -> None:
    ring = KeyRing("00000000", {"00000000": b"k" * 32})
    other = KeyRing("00000000", {"00000000": b"K" * 32})
    line = sign(manifest, ring)
    assert verify(manifest, line, ring) == ("00000000",)
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
    write_ring(path, json.dumps(ring))
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
        ring_text(active="00000001"),
        ring_text(revoked={"00000000": "2026-11-22T12:00:00Z"}),
        ring_text(not_after={"00000000": "2026-11-22T12:00:00Z"}),
        ring_text(not_after={"00000000": "tomorrow"}),
        ring_text(keys={"00000000": "00" * 31}),
        ring_text(keys={"00000000": int("1" * 64)}),
        "[" * 100_000,
        ring_text(keys={"../../etc": "00" * 32}),
        ring_text(public={"00000000": "short"}),
        ring_text(require="nothing"),
        ring_text(schema=3),
    ],
)
def test_a_damaged_ring_is_said_to_be(tmp_path: Path, content: str) -> None:
    write_ring(tmp_path / keyring.FILE, content)
    with pytest.raises(KeyRingError, match="unusable"):
        KeyRing.load(tmp_path)


def test_a_ring_that_is_a_link_to_itself_is_none(tmp_path: Path) -> None:
    path = tmp_path / keyring.FILE
    path.parent.mkdir()
    path.symlink_to(path)
    with pytest.raises(KeyRingError):
        KeyRing.load(tmp_path)


def test_a_ring_of_the_first_schema_is_read_and_becomes_the_second(
    tmp_path: Path,
) -> None:
    old = {"schema": 1, "active": "0000000a", "keys": {"0000000a": "0b" * 32}}
    write_ring(tmp_path / keyring.FILE, json.dumps(old))
    ring = KeyRing.load(tmp_path)
    assert (ring.active, ring.keys) == ("0000000a", {"0000000a": b"\x0b" * 32})
    ring.save(tmp_path)
    assert KeyRing.load(tmp_path) == ring
    assert json.loads((tmp_path / keyring.FILE).read_text())["schema"] == 2
    assert stat.S_IMODE((tmp_path / keyring.FILE).stat().st_mode) == 0o400


@pytest.mark.parametrize("mode", [0o600, 0o440, 0o404, 0o777])
def test_a_ring_that_others_could_read_or_write_is_refused(
    data: Path, mode: int
) -> None:
    (data / keyring.FILE).chmod(mode)
    with pytest.raises(KeyRingExposed, match=f"{mode:04o}"):
        KeyRing.load(data)


def test_a_ring_mounted_as_a_link_is_read(data: Path, tmp_path: Path) -> None:
    (data / keyring.FILE).rename(tmp_path / "secret")
    (data / keyring.FILE).symlink_to(tmp_path / "secret")
    assert KeyRing.load(data).active


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_ring_of_another_user_is_refused(data: Path) -> None:
    os.chown(data / keyring.FILE, 4711, -1)
    with pytest.raises(KeyRingError, match="4711"):
        KeyRing.load(data)


def test_no_secret_is_shown(data: Path) -> None:
    ring = KeyRing.load(data)
    assert ring.keys[ring.active].hex() not in repr(ring)
    assert repr(ring.keys[ring.active]) not in repr(ring)


def test_a_key_is_derived_as_rfc_5869_says() -> None:
    # Its third case: no salt, no info, the first block of the output.
    derived = keyring.hkdf(b"\x0b" * 22, b"")
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derived.hex() == expected


def test_a_derived_key_is_good_for_its_purpose_only(data: Path) -> None:
    ring = KeyRing.load(data)
    sealed = seal({"a": 1}, b"one", ring)
    assert unseal(sealed, b"one", ring) == {"a": 1}
    with pytest.raises(SignatureWrong):
        unseal(sealed, b"two", ring)
    with pytest.raises(SignatureWrong):
        unseal(sealed.replace(b"1", b"2", 1), b"one", ring)


@pytest.fixture
def both(tmp_path: Path) -> tuple[KeyRing, PrivateKey]:
    private = PrivateKey.create(tmp_path / "private.pem")
    ring = KeyRing(
        "0000000a", {"0000000a": b"k" * 32}, public={private.kid: private.public}
    )
    return ring, private


def test_both_signatures_must_hold(both: tuple[KeyRing, PrivateKey]) -> None:
    ring, private = both
    lines = sign(b"manifest", ring, private)
    assert verify(b"manifest", lines, ring) == ("0000000a", private.kid)
    for at in range(len(lines)):
        flipped = lines[:at] + bytes([lines[at] ^ 1]) + lines[at + 1 :]
        with pytest.raises((SignatureWrong, KeyUnknown)):
            verify(b"manifest", flipped, ring)


def test_ed25519_can_be_required(both: tuple[KeyRing, PrivateKey]) -> None:
    ring, private = both
    strict = replace(ring, require=ED25519)
    verify(b"manifest", sign(b"manifest", ring, private), strict)
    with pytest.raises(SignatureWeak):
        verify(b"manifest", sign(b"manifest", ring), strict)


def test_a_worker_with_public_keys_only_can_verify_but_not_forge(
    both: tuple[KeyRing, PrivateKey],
) -> None:
    builder, private = both
    worker = KeyRing(
        "0000000b", {"0000000b": b"w" * 32}, public=builder.public, require=ED25519
    )
    lines = sign(b"manifest", builder, private)
    assert verify(b"manifest", lines, worker) == ("0000000a", private.kid)
    with pytest.raises(SignatureWrong):
        verify(b"forged", lines, worker)
    with pytest.raises(SignatureWeak):
        verify(b"forged", sign(b"forged", worker), worker)
    with pytest.raises(KeyUnknown):
        verify(b"manifest", lines, replace(worker, require="hmac-sha256"))


@pytest.mark.parametrize("kid", ["hmac", "ed25519"])
def test_a_revoked_key_vouches_for_nothing(
    both: tuple[KeyRing, PrivateKey], kid: str
) -> None:
    ring, private = both
    lines = sign(b"manifest", ring, private)
    gone = ring.active if kid == "hmac" else private.kid
    for require in ("hmac-sha256", ED25519):
        moment = {gone: "2026-11-22T12:00:00Z"}
        with pytest.raises(KeyRevoked):
            verify(b"manifest", lines, replace(ring, revoked=moment, require=require))


@pytest.mark.parametrize("kid", ["hmac", "ed25519"])
def test_an_old_key_is_good_until_its_last_day(
    both: tuple[KeyRing, PrivateKey], kid: str
) -> None:
    ring, private = both
    lines = sign(b"manifest", ring, private)
    old = {ring.active if kid == "hmac" else private.kid: "2026-11-22T12:00:00Z"}
    aging = replace(ring, not_after=old)
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False):
        verify(b"manifest", lines, aging)
    with time_machine.travel("2026-11-22T12:00:01Z"), pytest.raises(KeyExpired):
        verify(b"manifest", lines, aging)


def test_the_private_key_is_its_owners_alone_and_never_written_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "private.pem"
    made = PrivateKey.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert PrivateKey.load(path).public == made.public
    with pytest.raises(KeyRingError, match="already"):
        PrivateKey.create(path)
    path.chmod(0o440)
    with pytest.raises(KeyRingExposed):
        PrivateKey.load(path)


@pytest.mark.parametrize("content", ["", "no key"])
def test_what_is_no_private_key_is_said_to_be(tmp_path: Path, content: str) -> None:
    (tmp_path / "private.pem").write_text(content)
    (tmp_path / "private.pem").chmod(0o400)
    with pytest.raises(KeyRingError, match="not a private key"):
        PrivateKey.load(tmp_path / "private.pem")


@pytest.mark.parametrize(
    "public",
    [
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    ],
    ids=["order 4", "order 1", "order 2", "order 8"],
)
def test_a_public_key_without_a_private_one_is_not_trusted(
    data: Path, public: str
) -> None:
    with pytest.raises(KeyRingError, match="anybody could sign"):
        trust(data, bytes.fromhex(public), "00000000")
    assert not KeyRing.load(data).public
