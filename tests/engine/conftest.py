from __future__ import annotations

from pathlib import Path

import pytest

from inference_worker.adoption import adopt
from inference_worker.engine.api import Detector, load_folder
from tests.engine.toy import write_toy


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """The toy model on OpenVINO, in f32 so that its answers are exact."""
    folder = write_toy(tmp_path_factory.mktemp("toy"))
    return load_folder(folder, precision="f32", threads=1)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A source of released models holding toy 1."""
    source = tmp_path / "released"
    write_toy(source)
    return source


@pytest.fixture
def data(tmp_path: Path, released: Path) -> Path:
    """A data folder that adopted toy 1."""
    adopt(released, tmp_path / "var", shipped=True)
    return tmp_path / "var"
