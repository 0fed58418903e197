"""What is no plain file that holds still is refused before anything looks into it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from inference_worker.untrusted import reading
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.inspection import inspect
from inference_worker.untrusted.limits import DEFAULT
from tests.untrusted.models import good


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(good().SerializeToString())
    return path


def refusal(path: Path) -> Reason:
    with pytest.raises(ModelRefused, match=str(path)) as caught:
        inspect(path)
    return caught.value.reason


def test_a_pipe_nobody_writes_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    assert refusal(tmp_path / "model.onnx") == Reason.NOT_A_PLAIN_FILE


def test_a_device() -> None:
    assert refusal(Path("/dev/zero")) == Reason.NOT_A_PLAIN_FILE


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == Reason.NOT_A_PLAIN_FILE


@pytest.mark.parametrize("target", ["/dev/zero", "model.onnx", "nowhere", "link"])
def test_a_link(path: Path, target: str) -> None:
    link = path.parent / "link"
    link.symlink_to(target)
    assert refusal(link) == Reason.NOT_A_PLAIN_FILE


def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("model.onnx")
        assert refusal(tmp_path / "model.onnx") == Reason.UNREADABLE


def test_nothing_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "model.onnx") == Reason.UNREADABLE


def test_an_empty_file(path: Path) -> None:
    os.truncate(path, 0)
    assert refusal(path) == Reason.FILE_EMPTY


def test_a_file_above_the_limit_is_not_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.truncate(path, DEFAULT.file_bytes + 1)
    monkeypatch.setattr(reading, "_stamp", None)  # comes after reading
    assert refusal(path) == Reason.FILE_TOO_LARGE


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _shrink(path: Path) -> None:
    os.truncate(path, 10)


def _rewrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(4))


@pytest.mark.parametrize("change", [_grow, _shrink, _rewrite])
def test_a_file_that_changes_while_it_is_read(
    path: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = reading._check

    def check_then_change(*args: object) -> None:
        check(*args)  # type: ignore[arg-type]
        change(path)

    monkeypatch.setattr(reading, "_check", check_then_change)
    assert refusal(path) == Reason.FILE_CHANGED
