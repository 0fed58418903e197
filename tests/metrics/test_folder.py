"""Where web processes count: empty at the start, one server's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from traceability.lib import figures_folder
from traceability.lib.figures_folder import leave_folder, take_folder


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(figures_folder, "MEMORY", tmp_path / "memory")
    return tmp_path / "memory"


def test_what_a_dead_server_left_is_gone(tmp_path: Path, memory: Path) -> None:
    folder, held = take_folder(tmp_path / "data")
    (folder / "counter_1.db").write_bytes(b"old")
    held.close()  # as its process does when it dies
    again, held = take_folder(tmp_path / "data")
    assert again == folder
    assert not list(again.iterdir())
    assert memory in again.parents
    assert again.stat().st_mode & 0o777 == 0o700
    held.close()


def test_two_servers_of_a_data_folder_do_not_meet(tmp_path: Path, memory: Path) -> None:
    one, first = take_folder(tmp_path / "data")
    (one / "counter_1.db").write_bytes(b"new")
    other, second = take_folder(tmp_path / "data")
    elsewhere, third = take_folder(tmp_path / "more")
    assert len({one, other, elsewhere}) == 3
    assert (one / "counter_1.db").exists()
    leave_folder(one)
    assert other.is_dir(), "it is still in use"
    for folder in (other, elsewhere):
        leave_folder(folder)
    assert not list(memory.iterdir())
    for held in (first, second, third):
        held.close()


def test_without_room_in_memory_it_is_in_the_data_folder(
    tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures_folder, "LEAST_FREE_BYTES", 2**60)
    folder, held = take_folder(tmp_path / "data")
    assert folder.parent == tmp_path / "data" / "run"
    memory.rmdir()
    held.close()
    again, held = take_folder(tmp_path / "data")
    assert again == folder
    held.close()


def test_what_another_put_there_is_not_followed(tmp_path: Path, memory: Path) -> None:
    folder, held = take_folder(tmp_path / "data")
    held.close()
    ours = folder.parent
    folder.rmdir()
    ours.rmdir()
    (tmp_path / "precious").mkdir()
    ours.symlink_to(tmp_path / "precious")
    again, held = take_folder(tmp_path / "data")
    assert again.parent == tmp_path / "data" / "run"
    assert not list((tmp_path / "precious").iterdir())
    held.close()
