"""Runs inside `tests/contract/test_versions.py`'s processes only: one version each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import onnx
import pytest
import tensorrt as trt

from inference_worker.engine import gpu
from inference_worker.engine.backends.fixed_shape import Network
from inference_worker.engine.backends.tensorrt import TensorRtBackend
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.tensorrt.building import Made, Order, make
from inference_worker.engine.tensorrt.profiles import profiles_of
from tests.contract import vtables
from tests.contract.double.world import FAULTS, World
from tests.contract.host_gpu import HostDriver
from tests.engine.toy import toy_manifest, toy_network

MIB = 2**20


class Faults:
    """Asked for from now on, in this process and those that it starts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, *names: str) -> None:
        self._monkeypatch.setenv(FAULTS, ",".join(names))


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(monkeypatch)


@pytest.fixture(autouse=True)
def driver() -> Iterator[HostDriver]:
    """The card in host memory. What a test opened must be closed at its end."""
    made = HostDriver(total=4 * 2**30, deferred=True)
    world().driver = made
    with gpu.bound_to(made.binding):
        yield made
    world().driver = None


@pytest.fixture(autouse=True)
def sound() -> Iterator[None]:
    """The double itself did not stumble, and was asked nothing that it has not."""
    world().calls.clear()
    vtables.broken.clear()
    yield
    assert vtables.broken == []


@pytest.fixture
def calls() -> list[str]:
    return world().calls


@pytest.fixture
def manifest() -> Manifest:
    return manifest_of(3)


@pytest.fixture
def made(manifest: Manifest) -> Made:
    return made_for(manifest)


@pytest.fixture
def backend(made: Made, manifest: Manifest) -> Iterator[TensorRtBackend]:
    opened = TensorRtBackend(manifest, made.plan)
    yield opened
    opened.close()


def world() -> World:
    found: World = trt.causeline
    return found


def manifest_of(channels: int, **changes: object) -> Manifest:
    """The toy's, three sizes."""
    spec = {"layout": "NCHW", "range": [0, 1], "sizes": [512, 640, 1024]}
    told = toy_manifest({"model.onnx": b"-"}, input={**spec, "channels": channels})
    return Manifest.parse(json.dumps({**told, **changes}).encode())


def order_for(manifest: Manifest, *, half: bool = False, images: int = 4) -> Order:
    network = Network.of(toy_network(manifest.input.channels), half=half)
    return Order(network.dynamic(), profiles_of(manifest, images), 64 * MIB)


def made_for(manifest: Manifest, *, half: bool = False) -> Made:
    return make(order_for(manifest, half=half), lambda _: None, lambda: False)


def with_odd_node(order: Order) -> Order:
    """The graph with an operator that no importer knows."""
    model = onnx.load_from_string(order.onnx)
    node = onnx.helper.make_node(
        "Sparkle", ["preds"], ["odd"], "head/odd", domain="com.example"
    )
    model.graph.node.append(node)
    return dataclasses.replace(order, onnx=model.SerializeToString())
