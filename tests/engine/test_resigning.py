"""Keys come and go, releases go back, and at no moment is a good engine refused."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from benchmarks.signing.site import (
    BEFORE,
    ENGINE,
    HERE,
    MODEL,
    OTHER_VERSION,
    VERSION,
    Site,
    build,
)
from inference_worker.adoption import adopt
from inference_worker.engine import files, history, resigning
from inference_worker.engine.ed25519 import PrivateKey
from inference_worker.engine.engines import open_engine
from inference_worker.engine.entries import engines_of
from inference_worker.engine.errors import (
    EngineMissing,
    FileAltered,
    KeyRevoked,
    KeyUnknown,
    SignatureWeak,
    StateUnusable,
    StoreError,
)
from inference_worker.engine.history import History
from inference_worker.engine.keyring import ED25519, HMAC, KeyRing
from inference_worker.engine.store import list_signed, open_latest, open_signed
from tests.engine.signed import log, ring


def kids(site: Site) -> set[tuple[str, ...]]:
    """Of everything there is; raises what does not verify."""
    found = set()
    for entry in list_signed(site.data):
        assert entry.error is None, entry.error
        assert entry.version is not None
        found.add(entry.version.kids)
        for engine in engines_of(site.data, entry.model, entry.name):
            assert engine.signed is not None, engine.error
            found.add(engine.signed.kids)
    return found


def in_days(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_rotating_signs_everything_with_the_new_key(site: Site) -> None:
    old = ring(site).active
    done = resigning.rotate(site.data, window_days=30)
    assert done.kid == ring(site).active != old
    assert kids(site) == {(done.kid,)}
    assert len(done.resigned) == 5
    assert not any(one.error for one in done.resigned)
    assert old in ring(site).keys


def test_an_old_key_verifies_in_its_window_and_is_dropped_after_it(site: Site) -> None:
    old = ring(site).active
    kept = site.copy(site.data.parent / "elsewhere")
    resigning.rotate(site.data, window_days=30)
    # What another machine still has from before.
    for name in ("manifest.json", "manifest.sig"):
        shutil.copy(kept.engine / name, site.engine / name)
    open_engine(site.data, MODEL, VERSION, HERE)
    with time_machine.travel(in_days(31)):
        with pytest.raises(StoreError) as caught:
            open_engine(site.data, MODEL, VERSION, HERE)
        assert caught.value.code == "key_expired"
        done = resigning.rotate(site.data, window_days=30)
        assert done.dropped == (old,)
        assert old not in ring(site).keys
        assert [one.engine for one in done.resigned if one.error] == [ENGINE]


def test_a_second_rotation_does_not_lengthen_the_first_window(site: Site) -> None:
    old = ring(site).active
    resigning.rotate(site.data, window_days=3)
    until = ring(site).not_after[old]
    resigning.rotate(site.data, window_days=300)
    assert ring(site).not_after[old] == until


def test_no_reader_is_refused_while_keys_rotate(site: Site) -> None:
    refused: list[Exception] = []
    opened = 0
    done = threading.Event()

    def read() -> None:
        nonlocal opened
        while not done.is_set():
            try:
                open_engine(site.data, MODEL, VERSION, HERE)
                open_latest(site.data, MODEL)
                opened += 1
            except Exception as error:
                refused.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(15):
        resigning.rotate(site.data, window_days=1)
    done.set()
    reader.join()
    assert refused == []
    assert opened > 0


def test_signing_anew_between_the_two_readings_of_a_reader_is_no_damage(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, left = files.read_plain, 1

    def and_then_rotate(path: Path, *asked: Any) -> bytes:
        nonlocal left
        content = read(path, *asked)
        if path == site.version / "manifest.json" and left:
            left = 0
            resigning.rotate(site.data, window_days=1)
        return content

    monkeypatch.setattr(files, "read_plain", and_then_rotate)
    assert open_signed(site.data, MODEL, VERSION).kids == (ring(site).active,)


class Killed(BaseException):
    """The process is gone at this point."""


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that would be put in place as number `step` is not, and no other."""
    put, left = files.replace, step

    def replacing(*asked: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        put(*asked)

    monkeypatch.setattr(files, "replace", replacing)


@pytest.mark.parametrize("step", range(0, 13, 2))
@pytest.mark.parametrize(
    "what",
    [
        lambda site: resigning.rotate(site.data, window_days=1),
        lambda site: resigning.roll_back_engine(
            site.data, MODEL, OTHER_VERSION, BEFORE
        ),
        lambda site: resigning.roll_back_version(site.data, MODEL, OTHER_VERSION),
    ],
    ids=["rotate", "engine back", "version back"],
)
def test_killed_at_any_point_it_leaves_all_loadable(
    site: Site, monkeypatch: pytest.MonkeyPatch, step: int, what: Callable[[Site], Any]
) -> None:
    with monkeypatch.context() as patch:
        killed_at(step, patch)
        with suppress(Killed):
            what(site)
    kids(site)
    open_latest(site.data, MODEL)
    version = VERSION if newest(site) == ENGINE else OTHER_VERSION
    assert open_engine(site.data, MODEL, version, HERE).manifest.engine == newest(site)
    what(site)
    kids(site)
    log(site)


def newest(site: Site) -> str:
    found = [e.signed.manifest for e in engines_of(site.data, MODEL) if e.signed]
    same = [one for one in found if one.environment.kind == "sm90-int8"]
    return max(same, key=lambda one: one.release_seq).engine


def test_a_revoked_key_vouches_for_nothing_any_more(site: Site, tmp_path: Path) -> None:
    gone = ring(site).active
    resigning.revoke(site.data, gone)
    assert gone not in ring(site).keys
    assert gone.encode() not in (site.data / "engines/state.json").read_bytes()
    with pytest.raises(KeyRevoked):
        open_engine(site.data, MODEL, VERSION, HERE)
    with pytest.raises(KeyRevoked):
        open_signed(site.data, MODEL, VERSION)
    # Nothing is signed anew but what comes from where it was released.
    assert {one.error.code for one in resigning.resign(site.data) if one.error} == {
        "key_revoked"
    }
    assert all(
        one.fresh for one in adopt(tmp_path / "released", site.data, shipped=True)
    )
    assert open_latest(site.data, MODEL).manifest.version == VERSION
    with pytest.raises(KeyRevoked):
        open_engine(site.data, MODEL, VERSION, HERE)


def test_revoking_an_old_key_leaves_the_active_one(site: Site) -> None:
    old = ring(site).active
    new = resigning.rotate(site.data, window_days=30).kid
    resigning.revoke(site.data, old)
    assert ring(site).active == new
    assert kids(site) == {(new,)}


def test_a_key_is_revoked_even_where_the_history_is_damaged(site: Site) -> None:
    gone = ring(site).active
    for copy in history.COPIES:
        (site.data / copy).write_bytes(b"damaged")
    resigning.revoke(site.data, gone)
    assert gone in ring(site).revoked


def test_nothing_is_rotated_where_the_history_is_damaged(site: Site) -> None:
    before = ring(site)
    for copy in history.COPIES:
        (site.data / copy).write_bytes(b"damaged")
    with pytest.raises(StateUnusable):
        resigning.rotate(site.data, window_days=30)
    assert ring(site) == before


@pytest.mark.parametrize("revoked", [False, True])
def test_the_log_still_tells_what_was_seen_when_its_old_key_is_gone(
    site: Site, revoked: bool
) -> None:
    seen = History.load(site.data, ring(site)).newest
    old = ring(site).active
    resigning.rotate(site.data, window_days=0)
    if revoked:
        resigning.revoke(site.data, old)
    for copy in history.COPIES:
        (site.data / copy).unlink()
    assert dict(History.load(site.data, ring(site)).newest) == dict(seen)


def test_only_a_key_of_the_ring_can_be_revoked(site: Site) -> None:
    with pytest.raises(EngineMissing, match="12345678"):
        resigning.revoke(site.data, "12345678")


# --- Ed25519 --------------------------------------------------------------------------


def test_ed25519_is_added_and_then_required(site: Site, private: PrivateKey) -> None:
    resigning.resign(site.data, private)
    assert kids(site) == {(ring(site).active, private.kid)}
    resigning.require(site.data, ED25519)
    open_engine(site.data, MODEL, VERSION, HERE)
    with pytest.raises(SignatureWeak):
        build(site.data, VERSION, "weak", b"ftrt" + bytes(20) + bytes([11, 4, 0, 106]))
    with pytest.raises(SignatureWeak):
        resigning.roll_back_version(site.data, MODEL, OTHER_VERSION)
    resigning.rotate(site.data, 30, private)
    assert kids(site) == {(ring(site).active, private.kid)}


def test_an_ed25519_signature_is_not_lost_by_rotating(
    site: Site, private: PrivateKey
) -> None:
    resigning.resign(site.data, private)
    before = ring(site)
    with pytest.raises(SignatureWeak):
        resigning.rotate(site.data, window_days=30)
    assert ring(site) == before


def test_a_private_key_that_nobody_trusts_does_not_sign(
    site: Site, tmp_path: Path
) -> None:
    stranger = PrivateKey.create(tmp_path / "stranger.pem")
    with pytest.raises(KeyUnknown):
        resigning.resign(site.data, stranger)


def test_a_worker_without_the_builders_keys_loads_what_ed25519_signed(
    site: Site, private: PrivateKey
) -> None:
    resigning.resign(site.data, private)
    worker = KeyRing(
        "0000000a",
        {"0000000a": b"w" * 32},
        public={private.kid: private.public},
        require=ED25519,
    )
    for name in ("engines/state.json", "engines/audit.log", "keys/engine-state.json"):
        (site.data / name).unlink()
    worker.save(site.data)
    assert open_engine(site.data, MODEL, VERSION, HERE).manifest.engine == ENGINE
    replace(worker, require=HMAC).save(site.data)
    with pytest.raises(KeyUnknown):
        open_engine(site.data, MODEL, VERSION, HERE)


# --- going back on purpose ------------------------------------------------------------


def test_an_operator_can_go_back_to_an_older_engine(site: Site) -> None:
    made = resigning.roll_back_engine(site.data, MODEL, OTHER_VERSION, BEFORE)
    assert made.release_seq == 3
    assert made.previous is not None
    assert made.previous["engine"] == ENGINE
    opened = open_engine(site.data, MODEL, OTHER_VERSION, HERE)
    assert opened.manifest.engine == BEFORE
    with pytest.raises(StoreError) as caught:
        open_engine(site.data, MODEL, VERSION, HERE)
    assert caught.value.code == "release_rolled_back"
    previous = open_engine(site.data, MODEL, OTHER_VERSION, HERE, previous=True)
    assert previous.manifest.engine == ENGINE
    (entry,) = [entry for entry in log(site) if entry["event"] == "rollback"]
    assert entry["details"] == {
        "model": MODEL,
        "version": OTHER_VERSION,
        "engine": BEFORE,
        "release_seq": 3,
        "replaced": ENGINE,
    }


def test_an_operator_can_go_back_to_an_older_version_and_adopting_keeps_it(
    site: Site, tmp_path: Path
) -> None:
    made = resigning.roll_back_version(site.data, MODEL, OTHER_VERSION)
    assert made.release_seq == 3
    assert made.raw["previous"]["version"] == VERSION
    assert open_latest(site.data, MODEL).manifest.version == OTHER_VERSION
    assert not any(
        one.fresh for one in adopt(tmp_path / "released", site.data, shipped=True)
    )
    assert not any(
        one.refused for one in adopt(tmp_path / "released", site.data, shipped=True)
    )
    assert open_latest(site.data, MODEL).manifest.version == OTHER_VERSION


def test_there_is_no_going_back_to_what_is_damaged(site: Site) -> None:
    before = site.version.parent / OTHER_VERSION
    (before / "engines" / BEFORE / "engine.plan").write_bytes(b"damaged")
    with pytest.raises(FileAltered):
        resigning.roll_back_engine(site.data, MODEL, OTHER_VERSION, BEFORE)
    (before / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(FileAltered):
        resigning.roll_back_version(site.data, MODEL, OTHER_VERSION)
    assert newest(site) == ENGINE
