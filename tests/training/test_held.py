"""A folder of its own to validate on."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

from pathlib import Path

import pytest

from inference_worker.engine.errors import DatasetError
from inference_worker.training.material import gather
from inference_worker.training.settings import Settings
from tests.training import easy


def test_with_a_folder_to_validate_on_all_of_the_other_is_learnt_from(
    tmp_path: Path,
) -> None:
    data = easy.folder(tmp_path / "easy", 12)
    held = easy.folder(tmp_path / "held", 5)
    settings = Settings(out=tmp_path / "out", data=data, held=held, size=64)
    material = gather(settings, None)
    assert len(material.sets[0][0]) == 12
    assert len(material.held) == 5


def test_a_folder_to_validate_on_must_show_something(tmp_path: Path) -> None:
    data = easy.folder(tmp_path / "easy", 12)
    held = easy.folder(tmp_path / "held", 5)
    labels = held / "annotations.json"
    labels.write_text(labels.read_text().replace('"annotations"', '"unused"'))
    settings = Settings(out=tmp_path / "out", data=data, held=held, size=64)
    with pytest.raises(DatasetError):
        gather(settings, None)
