"""Version folders are whole or not there, whatever ends the work on them."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from inference_worker.publishing import NoPlace, place_for

FILES = {f"{i}.bin": bytes([i]) * 2_000_000 for i in range(12)}
WHOLE = {**FILES, "manifest.json": b"{}", "report.html": b"page"}
CHILD = """
import sys, time
from pathlib import Path
from inference_worker.publishing import place_for
from tests.publishing.test_places import WHOLE
out, stop = Path(sys.argv[1]), sys.argv[2]
with place_for(out) as place:
    (place.work / "checkpoint.pt").write_bytes(b"state")
    (place.scratch / "boards").mkdir()
    (place.draft / "report.html").write_bytes(b"page")
    print("at work", flush=True)
    if stop == "before":
        time.sleep(60)
    place.publish(WHOLE)
    print("published", flush=True)
    if stop == "after":
        time.sleep(60)
"""


def begun(out: Path, stop: str = "never") -> subprocess.Popen[str]:
    """A process that has the place and goes on to publish."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(out), stop],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "at work\n"
    return child


def killed(child: subprocess.Popen[str]) -> None:
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert child.stdout is not None
    child.stdout.close()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def publish(out: Path) -> Path:
    with place_for(out) as place:
        assert list(place.draft.iterdir()) == list(place.scratch.iterdir()) == []
        (place.draft / "report.html").write_bytes(b"page")
        return place.publish({k: v for k, v in WHOLE.items() if k != "report.html"})


def test_a_version_appears_with_all_its_files_and_nothing_beside(
    tmp_path: Path,
) -> None:
    assert publish(tmp_path / "new" / "toy" / "1") == tmp_path / "new" / "toy" / "1"
    assert content(tmp_path / "new" / "toy" / "1") == WHOLE
    assert [one.name for one in (tmp_path / "new" / "toy").iterdir()] == ["1"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    publish(tmp_path / "link")
    assert content(tmp_path / "real") == WHOLE


def test_all_is_on_disk_before_the_folder_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, flushed = tmp_path / "1", list[tuple[int, bool]]()
    fsync = os.fsync

    def noted(handle: int) -> None:
        fsync(handle)
        flushed.append((os.fstat(handle).st_ino, out.exists()))

    monkeypatch.setattr(os, "fsync", noted)
    publish(out)
    named = {path.stat().st_ino for path in (out, *out.iterdir())}
    assert {inode for inode, exists in flushed if not exists} >= named
    assert (tmp_path.stat().st_ino, True) in flushed


def test_a_second_run_is_refused_while_one_is_at_work(tmp_path: Path) -> None:
    child = begun(tmp_path / "1", "before")
    with (
        pytest.raises(NoPlace, match="another run is at work on"),
        place_for(tmp_path / "1"),
    ):
        pass
    killed(child)
    publish(tmp_path / "1")


@pytest.mark.timeout(60)
def test_a_run_killed_on_its_way_leaves_all_of_a_version_or_nothing(
    tmp_path: Path,
) -> None:
    """Whatever file of many it was writing."""
    halves = 0
    for i in range(len(WHOLE)):
        out = tmp_path / f"{i}" / "1"
        draft = out.parent / ".1.work" / "draft"
        child = begun(out)
        while draft.exists() and len(list(draft.iterdir())) <= i:
            pass
        killed(child)
        if out.exists():
            assert content(out) == WHOLE
            continue
        halves += content(draft) != WHOLE
        publish(out)
        assert content(out) == WHOLE
        assert [one.name for one in out.parent.iterdir()] == ["1"]
    assert halves > 3


def test_what_lies_in_a_half_written_draft_is_removed_by_the_next_run(
    tmp_path: Path,
) -> None:
    child = begun(tmp_path / "1", "before")
    killed(child)
    work = tmp_path / ".1.work"
    assert (work / "draft" / "report.html").exists()
    with place_for(tmp_path / "1") as place:
        assert list(place.draft.iterdir()) == list(place.scratch.iterdir()) == []
        assert (place.work / "checkpoint.pt").read_bytes() == b"state"
    assert [path.name for path in work.iterdir()] == ["checkpoint.pt"]


def test_what_was_kept_goes_with_the_version_though_killed_right_behind_it(
    tmp_path: Path,
) -> None:
    child = begun(tmp_path / "1", "after")
    assert child.stdout is not None
    assert child.stdout.readline() == "published\n"
    killed(child)
    assert content(tmp_path / "1") == WHOLE
    assert (tmp_path / ".1.work" / "checkpoint.pt").exists()
    with (
        pytest.raises(NoPlace, match="holds a version already"),
        place_for(tmp_path / "1"),
    ):
        pass
    assert [one.name for one in tmp_path.iterdir()] == ["1"]


def test_nothing_is_left_of_a_run_that_failed(tmp_path: Path) -> None:
    def fail() -> None:
        with place_for(tmp_path / "1") as place:
            (place.draft / "model.onnx").write_bytes(b"x")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "mine.txt").write_text("mine")
    with pytest.raises(NoPlace, match="is not empty"), place_for(tmp_path / "1"):
        pass
    assert content(tmp_path / "1") == {"mine.txt": b"mine"}
    assert [one.name for one in tmp_path.iterdir()] == ["1"]


def test_files_put_there_meanwhile_are_not_lost(tmp_path: Path) -> None:
    with place_for(tmp_path / "1") as place:
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / "mine.txt").write_text("mine")
        with pytest.raises(NoPlace, match="not empty"):
            place.publish({"manifest.json": b"{}"})
    assert content(tmp_path / "1") == {"mine.txt": b"mine"}


@pytest.mark.parametrize("inner", ["1", "new/1"])
def test_a_place_that_cannot_be_written_to_is_named_at_once(
    tmp_path: Path, inner: str
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / inner
    with pytest.raises(NoPlace, match=f"--out {out}: Not a directory"), place_for(out):
        pass


def test_a_file_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("mine")
    with pytest.raises(NoPlace, match="is not a folder"), place_for(tmp_path / "1"):
        pass
    assert [one.name for one in tmp_path.iterdir()] == ["1"]


def test_a_disk_of_its_own_is_refused_before_work() -> None:
    with (
        pytest.raises(NoPlace, match="a disk of its own") as refused,
        place_for(Path("/proc")),
    ):
        pass
    assert "--out /proc/version" in refused.value.hint


def test_folders_made_for_a_run_that_failed_go_with_it(tmp_path: Path) -> None:
    def fail() -> None:
        with place_for(tmp_path / "new" / "name" / "1"):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "name").mkdir()
    with suppress(ValueError), place_for(tmp_path / "mine" / "name" / "1"):
        raise ValueError("no")
    assert [one.name for one in tmp_path.rglob("*")] == ["mine", "name"]


def test_a_disk_that_is_full_is_named_by_the_folder(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    out = tmp_path / "1"
    with place_for(out) as place:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
        try:
            with pytest.raises(NoPlace, match=f"{out}: File too large"):
                place.publish(FILES)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
