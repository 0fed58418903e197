from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference_worker.commands.main import main
from tests.engine.toy import write_toy

Output = pytest.CaptureFixture[str]


def test_adopting_twice_says_so(tmp_path: Path, shipped: Path, capsys: Output) -> None:
    assert main(["adopt", "--source", str(shipped)]) == 0
    assert main(["adopt", "--source", str(shipped), "--json"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "toy 1 adopted"
    assert json.loads(second) == [
        {"model": "toy", "version": "1", "status": "unchanged", "message": ""}
    ]


def test_one_that_is_refused_costs_exit_1_and_not_the_others(
    shipped: Path, capsys: Output
) -> None:
    write_toy(shipped, version="2", release_seq=2)
    (shipped / "toy/1/model.onnx").write_bytes(b"x")
    assert main(["adopt", "--source", str(shipped)]) == 1
    told = capsys.readouterr()
    assert told.out.splitlines() == ["toy 1 file_altered", "toy 2 adopted"]
    error, hint = told.err.splitlines()
    assert error.startswith("error: file_altered: ")
    assert "toy/1/model.onnx" in error
    assert hint.startswith("  hint: ")
    assert main(["adopt", "--source", str(shipped), "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert (first["status"], second["status"]) == ("file_altered", "unchanged")
    assert "model.onnx" in first["message"]


def test_a_shipped_model_is_used_though_another_is_refused(
    coco: Path, shipped: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_toy(shipped, version="2", release_seq=2)
    (shipped / "toy/2/model.onnx").write_bytes(b"x")
    with caplog.at_level("WARNING"):
        assert main(["detect", "--model", "toy", str(coco / "images")]) == 0
    assert "toy 2 is left out" in caplog.text


def test_a_fresh_site_lists_nothing(capsys: Output) -> None:
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_what_was_adopted_is_listed(shipped: Path, capsys: Output) -> None:
    main(["adopt", "--source", str(shipped)])
    capsys.readouterr()
    assert main(["list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["model"], row["version"], row["status"]) == ("toy", "1", "ok")
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "toy 1 1 ok\n"


def test_verify_reads_every_file(tmp_path: Path, shipped: Path, capsys: Output) -> None:
    main(["adopt", "--source", str(shipped)])
    assert main(["verify"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "toy 1 ok"
    (tmp_path / "var/engines/toy/1/card.md").write_text("# Forged")
    assert main(["verify", "toy@1", "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert row["status"] == "file_altered"
    assert "card.md" in row["message"]


def test_a_version_nobody_signed_is_listed_with_its_reason(
    tmp_path: Path, shipped: Path, capsys: Output
) -> None:
    main(["adopt", "--source", str(shipped)])
    (tmp_path / "var/engines/toy/1/manifest.sig").unlink()
    capsys.readouterr()
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "toy 1 None signature_missing\n"
    assert main(["verify", "toy"]) == 1


def test_verifying_what_is_not_there_is_an_error(capsys: Output) -> None:
    assert main(["verify", "nothing"]) == 1
    assert "no adopted version of nothing" in capsys.readouterr().err


def test_an_empty_source_is_an_error(tmp_path: Path, capsys: Output) -> None:
    assert main(["adopt", "--source", str(tmp_path / "nothing")]) == 1
    assert "error: engine_missing" in capsys.readouterr().err
