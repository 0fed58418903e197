"""Built engines: written whole, opened where they may run, the newest only."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from benchmarks.signing.site import (
    BEFORE,
    BUILT,
    ENGINE,
    HERE,
    MODEL,
    OTHER_VERSION,
    VERSION,
    Site,
    build,
    make_site,
    plan,
)
from inference_worker.adoption import adopt
from inference_worker.engine import engines, files, issuing, resigning
from inference_worker.engine.built import EngineManifest, Machine
from inference_worker.engine.engines import open_engine, recheck
from inference_worker.engine.entries import engines_of
from inference_worker.engine.errors import (
    DriverTooOld,
    EngineConflict,
    EngineExpired,
    EngineForeign,
    EngineMissing,
    FileAltered,
    KeyExpired,
    KeyRevoked,
    ManifestError,
    OtherGpu,
    OtherTensorRT,
    PlanWrong,
    RolledBack,
    SignatureWrong,
    StateUnusable,
    StoreError,
)
from inference_worker.engine.history import COPIES
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.store import open_latest, open_signed

NEWER = plan(random.Random(7), 500)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path, 500)


def opened(site: Site, version: str = VERSION, **options: Any) -> engines.Engine:
    return open_engine(site.data, MODEL, version, site.machine, **options)


def test_the_newest_engine_for_this_machine_is_opened(site: Site) -> None:
    found = opened(site)
    assert found.manifest.engine == ENGINE
    assert found.plan == (site.engine / "engine.plan").read_bytes()
    build(site.data, VERSION, "newer", NEWER)
    assert opened(site).plan == NEWER
    site.machine = replace(HERE, compute_capability="8.9")
    assert opened(site).manifest.environment.gpu == "NVIDIA L4"


def test_an_engine_names_the_one_before_it(site: Site) -> None:
    before = site.version.parent / OTHER_VERSION / "engines" / BEFORE / "manifest.json"
    old = EngineManifest.parse(before.read_bytes())
    found = opened(site).manifest
    assert (old.release_seq, found.release_seq) == (1, 2)
    assert old.previous is None
    assert found.previous == {
        "version": OTHER_VERSION,
        "engine": BEFORE,
        "sha256": old.plan.sha256,
    }


def test_engines_are_named_by_kind_and_release(site: Site) -> None:
    assert build(site.data, VERSION, None, NEWER).engine == "sm90-int8.3"


def test_an_engine_in_another_precision_can_be_asked_for(site: Site) -> None:
    build(site.data, VERSION, "half", NEWER, replace(BUILT, precision="f16"))
    assert opened(site, precision="f16").plan == NEWER
    assert opened(site, precision="int8").manifest.engine == ENGINE
    with pytest.raises(EngineMissing, match="f32"):
        opened(site, precision="f32")


def test_where_none_was_built_it_says_how(site: Site) -> None:
    with pytest.raises(EngineMissing) as caught:
        open_engine(site.data, MODEL, "3", HERE)
    assert "build" in caught.value.hint


@pytest.mark.parametrize(
    ("machine", "refusal"),
    [
        (replace(HERE, compute_capability="8.6"), OtherGpu),
        (replace(HERE, tensorrt="10.16.1.11"), OtherTensorRT),
        (replace(HERE, driver="579.99"), DriverTooOld),
    ],
)
def test_another_machines_engine_is_refused(
    site: Site, machine: Machine, refusal: type[StoreError]
) -> None:
    site.machine = machine
    with pytest.raises(refusal):
        opened(site)


def test_a_newer_driver_is_good_too(site: Site) -> None:
    site.machine = replace(HERE, driver="1000.1")
    assert opened(site).manifest.engine == ENGINE


def test_the_bytes_that_were_checked_are_the_bytes_that_are_given(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, reads = site.engine / "engine.plan", list[Path]()
    read = files.read_plain
    genuine = path.read_bytes()

    def and_then_swap(asked: Path, limit: int, *owners: Any) -> bytes:
        content = read(asked, limit, *owners)
        reads.append(asked)
        if asked == path:
            path.write_bytes(b"swapped while nobody looked")
        return content

    monkeypatch.setattr(files, "read_plain", and_then_swap)
    assert opened(site).plan == genuine
    assert reads.count(path) == 1


def test_nothing_of_an_unsigned_engine_is_parsed_or_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray((site.engine / "manifest.json").read_bytes())
    content[5] ^= 1
    (site.engine / "manifest.json").write_bytes(content)
    parse = EngineManifest.parse

    def never(text: bytes) -> EngineManifest:
        assert text != bytes(content), "it was parsed before it was verified"
        return parse(text)

    monkeypatch.setattr(EngineManifest, "parse", never)
    with pytest.raises(SignatureWrong):
        opened(site)


def test_an_engine_of_another_onnx_file_cannot_be_signed(site: Site) -> None:
    version = open_signed(site.data, MODEL, VERSION)
    with pytest.raises(EngineForeign):
        issuing.write_engine(site.data, version, "0" * 64, NEWER, None, BUILT)


def test_what_is_no_plan_cannot_be_signed(site: Site) -> None:
    with pytest.raises(PlanWrong):
        build(site.data, VERSION, "no", b"no plan")
    with pytest.raises(PlanWrong, match=r"10\.16\.1\.11"):
        build(site.data, VERSION, "no", NEWER, replace(BUILT, tensorrt="10.16.1.11"))
    assert not (site.version / "engines/no").exists()


def test_an_engine_is_never_written_over(site: Site) -> None:
    genuine = opened(site).plan
    with pytest.raises(EngineConflict):
        build(site.data, VERSION, ENGINE, NEWER)
    assert opened(site).plan == genuine


def test_an_engine_can_have_a_last_day(site: Site) -> None:
    build(site.data, VERSION, "short", NEWER, expires="2030-01-01T00:00:00Z")
    assert opened(site).plan == NEWER
    with time_machine.travel("2030-01-01T00:00:01Z"), pytest.raises(EngineExpired):
        opened(site)


def test_adopting_again_keeps_what_was_built(site: Site, tmp_path: Path) -> None:
    (site.version / "model.onnx").write_bytes(b"damaged")
    assert [
        one.fresh for one in adopt(tmp_path / "released", site.data, shipped=True)
    ] == [
        False,
        True,
    ]
    assert opened(site).manifest.engine == ENGINE


# --- the one before -------------------------------------------------------------------


def test_the_previous_engine_is_the_one_that_the_current_names(site: Site) -> None:
    found = opened(site, previous=True)
    assert (found.manifest.version, found.manifest.engine) == (OTHER_VERSION, BEFORE)


def test_the_previous_engine_is_there_when_the_plan_is_damaged(site: Site) -> None:
    (site.engine / "engine.plan").write_bytes(b"damaged")
    with pytest.raises(FileAltered):
        opened(site)
    assert opened(site, previous=True).manifest.engine == BEFORE


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig"])
def test_the_previous_engine_is_there_when_the_manifest_is_damaged(
    site: Site, name: str
) -> None:
    (site.engine / name).write_bytes(b"damaged")
    with pytest.raises(SignatureWrong):
        opened(site)
    assert opened(site, previous=True).manifest.engine == BEFORE


def test_only_the_one_that_is_named_is_the_previous_one(site: Site) -> None:
    build(site.data, VERSION, "newer", NEWER)
    assert opened(site, previous=True).manifest.engine == ENGINE
    (site.engine / "engine.plan").write_bytes(b"damaged")
    with pytest.raises(FileAltered):
        opened(site, previous=True)


def test_the_previous_engine_must_suit_the_machine_too(site: Site) -> None:
    site.machine = replace(HERE, tensorrt="11.4.0.107")
    with pytest.raises(OtherTensorRT):
        opened(site, previous=True)


def test_the_first_engine_has_none_before_it(site: Site) -> None:
    build(site.data, VERSION, "half", NEWER, replace(BUILT, precision="f16"))
    site.machine = replace(HERE, compute_capability="8.9")
    with pytest.raises(EngineMissing, match="previous"):
        opened(site, previous=True)


# --- no way back ----------------------------------------------------------------------


def take_away_newest(site: Site) -> None:
    """As if the engine had never been replaced."""
    build(site.data, VERSION, "newer", NEWER)
    opened(site)
    for path in (site.version / "engines/newer").iterdir():
        path.unlink()
    (site.version / "engines/newer").rmdir()


def test_an_older_engine_is_refused_when_the_newest_is_gone(site: Site) -> None:
    take_away_newest(site)
    with pytest.raises(RolledBack, match="release 2 is older than release 3"):
        opened(site)


@pytest.mark.parametrize("copy", COPIES)
def test_one_copy_of_the_history_is_enough(site: Site, copy: Path) -> None:
    take_away_newest(site)
    (site.data / copy).unlink()
    with pytest.raises(RolledBack):
        opened(site)


def test_without_either_copy_the_log_still_tells(site: Site) -> None:
    take_away_newest(site)
    for copy in COPIES:
        (site.data / copy).unlink()
    with pytest.raises(RolledBack):
        opened(site)


@pytest.mark.parametrize("copy", COPIES)
def test_one_damaged_copy_is_passed_over_and_mended(site: Site, copy: Path) -> None:
    take_away_newest(site)
    (site.data / copy).write_bytes(b"damaged")
    with pytest.raises(RolledBack):
        opened(site)
    build(site.data, VERSION, "newest", NEWER)
    first, second = ((site.data / path).read_bytes() for path in COPIES)
    assert first == second


def test_an_older_copy_does_not_count(site: Site) -> None:
    kept = (site.data / COPIES[0]).read_bytes()
    take_away_newest(site)
    (site.data / COPIES[0]).write_bytes(kept)
    with pytest.raises(RolledBack):
        opened(site)


def test_where_all_copies_are_damaged_nothing_is_loaded(site: Site) -> None:
    for copy in COPIES:
        (site.data / copy).write_bytes(b"damaged")
    with pytest.raises(StateUnusable):
        opened(site)
    with pytest.raises(StateUnusable):
        open_latest(site.data, MODEL)


def test_an_older_version_is_not_taken_for_the_latest(site: Site) -> None:
    (site.version / "manifest.sig").unlink()
    with pytest.raises(RolledBack, match="release 1 is older than release 2"):
        open_latest(site.data, MODEL)
    # By its name it can still be measured.
    assert open_signed(site.data, MODEL, OTHER_VERSION).manifest.release_seq == 1


def test_a_version_that_the_newest_names_takes_its_place(
    site: Site, tmp_path: Path
) -> None:
    resigning.roll_back_version(site.data, MODEL, OTHER_VERSION)
    assert open_latest(site.data, MODEL).manifest.version == OTHER_VERSION
    (site.version.parent / OTHER_VERSION / "manifest.sig").unlink()
    assert open_latest(site.data, MODEL).manifest.version == VERSION


def test_a_folder_that_cannot_be_written_does_not_stop_the_line(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Read-only")

    for copy in COPIES:
        (site.data / copy).unlink()
    (site.data / "engines/audit.log").unlink()
    monkeypatch.setattr(files, "turn", read_only)
    assert opened(site).manifest.engine == ENGINE


# --- while it runs --------------------------------------------------------------------


def test_what_runs_may_go_on_running(site: Site) -> None:
    recheck(site.data, opened(site))
    recheck(site.data, open_latest(site.data, MODEL))


@pytest.mark.parametrize("what", [opened, lambda site: open_latest(site.data, MODEL)])
def test_what_runs_is_told_that_its_key_was_revoked(
    site: Site, what: Callable[[Site], Any]
) -> None:
    running = what(site)
    resigning.revoke(site.data, KeyRing.load(site.data).active)
    with pytest.raises(KeyRevoked):
        recheck(site.data, running)


def test_what_was_signed_anew_while_it_ran_goes_on(site: Site) -> None:
    running = opened(site), open_latest(site.data, MODEL)
    resigning.rotate(site.data, window_days=1)
    with time_machine.travel(now_and(days=2)):
        for one in running:
            recheck(site.data, one)
        for manifest in ("manifest.json", "manifest.sig"):
            (site.engine / manifest).write_bytes(b"damaged")
        with pytest.raises((KeyExpired, SignatureWrong)):
            recheck(site.data, running[0])


def test_what_runs_is_told_that_its_last_day_is_over(site: Site) -> None:
    build(site.data, VERSION, "short", NEWER, expires="2030-01-01T00:00:00Z")
    running = opened(site)
    with time_machine.travel("2030-01-01T00:00:01Z"), pytest.raises(EngineExpired):
        recheck(site.data, running)


def now_and(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


# --- its manifest ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema": 2}, "schema"),
        ({"kind": "version"}, "schema"),
        ({"engine": "../../x"}, "engine"),
        ({"created": "today"}, "created"),
        ({"expires": "tomorrow"}, "expires"),
        ({"release_seq": 0}, "release_seq"),
        ({"onnx_sha256": "x"}, "onnx_sha256"),
        ({"previous": {"version": "1"}}, "previous.engine"),
        ({"previous": {"version": "1", "engine": "a", "sha256": "x"}}, "sha256"),
        ({"files": {}}, "engine.plan"),
        ({"surprise": 1}, "surprise"),
        ({"environment": {}}, "environment.tensorrt"),
    ],
)
def test_what_is_wrong_in_a_manifest_is_named(
    site: Site, changes: dict[str, Any], field: str
) -> None:
    raw = json.loads((site.engine / "manifest.json").read_text())
    with pytest.raises(ManifestError, match=field):
        EngineManifest.parse(json.dumps(raw | changes).encode())


@pytest.mark.parametrize(
    ("name", "told"),
    [("tensorrt", "11.4"), ("tensorrt", "x"), ("cuda", ""), ("precision", "a b")],
)
def test_an_environment_that_makes_no_sense_is_refused(
    site: Site, name: str, told: str
) -> None:
    raw = json.loads((site.engine / "manifest.json").read_text())
    raw["environment"][name] = told
    with pytest.raises(ManifestError, match=name):
        EngineManifest.parse(json.dumps(raw).encode())


def test_the_engines_of_a_model_are_listed_with_what_is_wrong(site: Site) -> None:
    (site.engine / "manifest.sig").unlink()
    listed = {entry.name: entry.error for entry in engines_of(site.data, MODEL)}
    assert {name: error and error.code for name, error in listed.items()} == {
        BEFORE: None,
        ENGINE: "signature_missing",
        "other": None,
    }
