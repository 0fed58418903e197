"""The models that ship, as engines built as `build` builds them: right on a picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference_worker.adoption import adopt
from inference_worker.engine.api import Detector
from inference_worker.engine.backends.tensorrt import TensorRtBackend
from inference_worker.engine.store import open_latest
from inference_worker.engine.tensorrt.building import Order, make
from inference_worker.engine.tensorrt.networks import network_for
from inference_worker.engine.tensorrt.profiles import profiles_of
from inference_worker.ladder.reference import reference_of
from tests.contract.checks.conftest import MIB
from tests.contract.host_gpu import COMPILER

SHIPPED = Path(__file__).parents[3] / "engines"

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped") / "var"
    adopt(SHIPPED, folder, shipped=True)
    return folder


@pytest.mark.parametrize(
    ("model", "precision"),
    [("pcb-defects", "f16"), ("pcb-defects", "int8"), ("pcb-defects-template", "f16")],
)
def test_an_engine_of_it_sees_what_the_cpu_sees(
    model: str, precision: str, data: Path
) -> None:
    version = open_latest(data, model)
    profiles = profiles_of(version.manifest, 1)  # one image a call: the host is slow
    order = Order(network_for(version, precision), profiles, 64 * MIB)
    plan = make(order, lambda _: None, lambda: False).plan
    backend = TensorRtBackend(version.manifest, plan, precision=precision)
    try:
        assert backend.half
        reference_of(version, data).check(Detector(backend))
    finally:
        backend.close()
