from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.signing.site import Site, make_site
from inference_worker.adoption import adopt
from inference_worker.engine import resigning
from inference_worker.engine.api import Detector, load_folder
from inference_worker.engine.ed25519 import PrivateKey
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


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path, 500)


@pytest.fixture
def private(site: Site, tmp_path: Path) -> PrivateKey:
    made = PrivateKey.create(tmp_path / "private.pem")
    resigning.trust(site.data, made.public, made.kid)
    return made
