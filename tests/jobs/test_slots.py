"""Slots of hosts that come no more go, and nobody loses one that is in use."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO, Any

import pytest

from traceability.jobs.slots import FORGOTTEN_SECONDS, take_slot
from traceability.lib.sockets import AlreadyLocked, lock


@pytest.fixture
def run(tmp_path: Path, settings: Any, db: None) -> Path:
    settings.DATA_DIR = tmp_path
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def left(run: Path, place: str, days: float) -> Path:
    """The lock of a place that was taken so long ago, and its ladder's record."""
    path = run / f"{place}.lock"
    (run / f"ladder-{place}.json").write_text("{}")
    path.touch()
    age(path, days)
    return path


def age(path: Path, days: float) -> None:
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def test_what_a_container_that_was_made_anew_left_goes_with_its_record(
    run: Path,
) -> None:
    old, other_role = left(run, "inspect-1@3f2a.local", 8), left(run, "web-1@3f2a", 8)
    recent = left(run, "inspect-1@9c1b", 6)
    assert FORGOTTEN_SECONDS == 7 * 86_400
    mine = take_slot("inspect")
    assert not old.exists()
    assert not (run / "ladder-inspect-1@3f2a.local.json").exists()
    for kept in (other_role, recent):
        assert kept.exists()
        assert (run / f"ladder-{kept.stem}.json").exists()
    mine.file.close()


def test_a_slot_in_use_stays_however_long_ago_it_was_taken(run: Path) -> None:
    path = left(run, "inspect-1@far", 0)
    held = lock(path)
    age(path, 30)
    take_slot("inspect").file.close()
    assert path.exists()
    assert (run / "ladder-inspect-1@far.json").exists()
    held.close()


def test_a_place_of_this_host_keeps_its_record(run: Path) -> None:
    """Its next process may be starting beside the one that sweeps."""
    first, second = take_slot("inspect"), take_slot("inspect")
    path = left(run, second.place, 30)
    second.file.close()
    first.file.close()
    age(path, 30)
    take_slot("inspect").file.close()
    assert path.exists()
    assert (run / f"ladder-{second.place}.json").exists()


def test_a_slot_that_is_taken_again_is_new(run: Path) -> None:
    slot = take_slot("inspect")
    path = run / f"{slot.place}.lock"
    slot.file.close()
    age(path, 30)
    take_slot("inspect").file.close()
    assert time.time() - path.stat().st_mtime < 60


def test_a_lock_that_is_removed_while_it_is_taken_is_taken_anew(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two processes had one slot: one of a file that is not there any more."""
    path, flock, times = run / "inspect-1@here.lock", fcntl.flock, list[int]()

    def swept_meanwhile(file: IO[str], how: int) -> None:
        times.append(how)
        if len(times) == 1:
            path.unlink()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", swept_meanwhile)
    mine = lock(path)
    assert os.path.samestat(os.fstat(mine.fileno()), path.stat())
    with pytest.raises(AlreadyLocked):
        lock(path)
    mine.close()
