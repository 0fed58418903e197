from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from inference_worker import progress
from inference_worker.commands.main import main
from inference_worker.progress import shown


def test_the_module_runs_and_keeps_stdout_for_results(coco: Path) -> None:
    folder = coco.parent / "shipped/toy/1"
    command = [sys.executable, "-m", "inference_worker", "detect", "--json"]
    command += ["--model", str(folder), "--threads", "1", str(coco / "images")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout)) == 3
    assert "not signed" in done.stderr


def test_a_name_that_is_not_utf8_costs_no_result(coco: Path) -> None:
    folder = coco.parent / "shipped/toy/1"
    odd = os.fsencode(coco.parent) + b"/\xb5\xe7%d.png"
    for n, photo in enumerate((coco / "images").iterdir()):
        Path(os.fsdecode(odd % n)).write_bytes(photo.read_bytes())
    command = [sys.executable, "-m", "inference_worker", "detect", "--model"]
    command += [str(folder), "--threads", "1", os.fsdecode(odd % 0)]
    command += [os.fsdecode(odd % 1), os.fsdecode(odd % 2)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert done.stdout.startswith(b"\\udcb5\\udce7")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["detect"],
        ["detect", "--model", "toy"],
        ["detect", "--model", "toy", "--backend", "abacus", "a.png"],
        ["detect", "--model", "toy", "--threads", "0", "a.png"],
        ["evaluate", "--model", "toy"],
    ],
)
def test_a_command_line_that_makes_no_sense_exits_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


def test_a_model_nobody_has_exits_with_1_and_a_hint(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", "--model", "ghost", str(coco / "images")]) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: engine_missing: no version of 'ghost'")
    assert hint.startswith("  hint: ")
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "@1", "Toy", "toy toy"])
def test_what_is_no_name_adopts_nothing(
    name: str, coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", "--model", name, str(coco / "images")]) == 1
    assert f"{name!r} names no model" in capsys.readouterr().err
    assert not (tmp_path / "var").exists()


def test_a_data_folder_that_cannot_be_is_one_sentence(
    coco: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CAUSELINE_DATA", str(tmp_path / "file"))
    for words in (["adopt"], ["detect", "--model", "toy", str(coco / "images")]):
        assert main(words) == 1
        *_, error, hint = capsys.readouterr().err.splitlines()
        assert error.startswith(f"error: data_unusable: {tmp_path / 'file'}: Not a dir")
        assert "CAUSELINE_DATA" in hint


def test_a_hint_that_makes_no_sense_is_no_fault_of_an_imported_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INFERENCE_PRECISION_HINT", "half")
    assert main(["import", str(tmp_path / "theirs.onnx"), "--name", "theirs"]) == 1
    assert "INFERENCE_PRECISION_HINT is 'half'" in capsys.readouterr().err


def test_what_the_system_refuses_is_one_sentence(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", "--model", "toy", "x" * 5_000]) == 1
    error, _ = capsys.readouterr().err.splitlines()
    assert error.startswith("error: system_refused: ")
    assert "too long" in error


def test_a_shipped_model_is_adopted_when_first_named(
    coco: Path, tmp_path: Path
) -> None:
    assert main(["detect", "--model", "toy", str(coco / "images")]) == 0
    assert (tmp_path / "var/engines/toy/1/manifest.sig").is_file()


def test_a_forged_copy_is_not_quietly_replaced(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["detect", "--model", "toy", str(coco / "images")])
    (tmp_path / "var/engines/toy/1/model.onnx").write_bytes(b"forged")
    assert main(["detect", "--model", "toy", str(coco / "images")]) == 1
    assert "error: file_altered" in capsys.readouterr().err


def test_training_without_torch_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("inference_worker.commands.train.import_module", missing)
    assert main(["train"]) == 1
    captured = capsys.readouterr()
    assert "training needs torch" in captured.err
    assert "requirements-train.txt" in captured.err


def test_training_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    training = SimpleNamespace(
        add_arguments=lambda parser: parser.add_argument("--coco"),
        run=lambda args: given.append(args.coco) or 0,
    )
    monkeypatch.setattr(
        "inference_worker.commands.train.import_module", lambda _: training
    )
    assert main(["train", "--coco", "boards"]) == 0
    assert given == ["boards"]


def test_a_bar_changes_nothing_about_the_items(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(shown(range(5), 5, "counting")) == [0, 1, 2, 3, 4]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "counting" in captured.err
