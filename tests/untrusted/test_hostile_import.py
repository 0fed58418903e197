"""What only the import reads of a file is a stranger's word too."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import onnx
import pytest

from inference_worker.commands.main import main
from tests.engine.toy import CLASSES, toy_network

SOUND = {"fit": "letterbox", "sizes": [64], "stride": 32}


def but(**fields: Any) -> str:
    return json.dumps({**SOUND, **fields})


HOSTILE = {
    "huge sizes": but(sizes=[2**20]),
    "endless sizes": but(sizes=[10**4_000]),
    "no sizes": but(sizes=[]),
    "negative sizes": but(sizes=[-64]),
    "sizes of nothing": but(sizes=[math.nan]),
    "sizes of truth": but(sizes=[True]),
    "sizes as text": but(sizes="64"),
    "no stride": but(stride=0),
    "huge canvas": but(fit="stretch", canvas=[64, 2**40]),
    "short canvas": but(fit="stretch", canvas=[64]),
    "no fit": but(fit={}),
    "unknown fit": but(fit="whatever"),
    "batches": but(batch=4096),
    "nested": "[" * 60_000,
    "no object": "17",
    "text": "sizes: 64",
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAUSELINE_DATA", str(tmp_path / "var"))
    return tmp_path / "var"


def file(folder: Path, told: str) -> str:
    """A network that says it is ours, and of its input what is `told`."""
    made = onnx.load_model_from_string(toy_network())
    notes = {"causeline_schema": "1", "causeline_input": told}
    onnx.helper.set_model_props(made, {**notes, "names": json.dumps(CLASSES)})
    onnx.save(made, folder / "theirs.onnx")
    return str(folder / "theirs.onnx")


def test_a_sound_one_is_taken(tmp_path: Path, site: Path) -> None:
    assert main(["import", file(tmp_path, but()), "--name", "theirs"]) == 0


@pytest.mark.parametrize("told", HOSTILE.values(), ids=HOSTILE)
def test_what_is_told_of_the_input_is_refused(
    told: str, tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", file(tmp_path, told), "--name", "theirs"]) == 1
    assert re.search(r"causeline_input|input\.(fit|batch)", capsys.readouterr().err)
    assert not site.exists() or not list(site.rglob("*.onnx"))
