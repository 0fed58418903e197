"""Builds in a process of their own: what crosses over, and how they end."""

from __future__ import annotations

import time
from typing import Any

import pytest
import tensorrt as trt

from inference_worker.engine.backends.tensorrt import TensorRtBackend
from inference_worker.engine.built import Environment
from inference_worker.engine.errors import BuildCancelled, BuildFailed
from inference_worker.engine.gpu import open_gpu
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.tensorrt.builder import Built, build
from inference_worker.engine.tensorrt.environment import machine_of
from inference_worker.engine.tensorrt.progress import Progress
from tests.contract.checks.conftest import MIB, Faults, order_for, with_odd_node


def run(manifest: Manifest, **options: Any) -> Built:
    order = order_for(manifest)
    return build(order.onnx, order.profiles, 64 * MIB, precision="f32", **options)


def test_a_build_gives_what_the_store_needs(manifest: Manifest) -> None:
    told: list[Progress] = []
    built = run(manifest, progress=told.append)
    assert told[-1].done == 1.0
    assert built.timing_cache.startswith(b"timings of")
    environment = Environment(
        **{**built.environment, "profiles": tuple(built.environment["profiles"])}
    )
    environment.check(machine_of(open_gpu()))
    environment.check_plan(built.plan)
    assert environment.tensorrt == trt.__version__
    assert environment.kind == "sm90-f32"


def test_what_was_built_can_be_loaded(manifest: Manifest) -> None:
    backend = TensorRtBackend(manifest, run(manifest).plan)
    assert backend.precision == "f32"
    backend.close()


def test_an_error_comes_over_with_its_lines(manifest: Manifest) -> None:
    order = with_odd_node(order_for(manifest))
    with pytest.raises(BuildFailed) as caught:
        build(order.onnx, order.profiles, MIB, precision="f32")
    first, *rest = str(caught.value).split("\n")
    assert first == "TensorRT cannot read this ONNX file"
    assert rest[0].startswith("node 18 'head/odd' (Sparkle)")


def test_a_build_stops_when_it_is_cancelled(manifest: Manifest, fail: Faults) -> None:
    fail("slow")
    told: list[Progress] = []
    begun = time.monotonic()
    with pytest.raises(BuildCancelled):
        run(manifest, progress=told.append, cancelled=lambda: bool(told))
    assert time.monotonic() - begun < 20


def test_a_build_that_is_done_when_it_is_cancelled_is_cancelled(
    manifest: Manifest,
) -> None:
    told: list[Progress] = []
    with pytest.raises(BuildCancelled):
        run(
            manifest,
            progress=told.append,
            cancelled=lambda: bool(told) and told[-1].done == 1.0,
        )


def test_a_build_that_takes_too_long_is_stopped(
    manifest: Manifest, fail: Faults
) -> None:
    fail("slow")
    with pytest.raises(BuildFailed, match="took more than 4 s"):
        run(manifest, seconds=4)


def test_a_build_that_does_not_listen_is_ended(
    manifest: Manifest, fail: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_worker.engine.tensorrt.builder._GRACE", 0.5)
    fail("slow", "deaf")
    begun = time.monotonic()
    with pytest.raises(BuildFailed, match="took more than 4 s"):
        run(manifest, seconds=4)
    assert time.monotonic() - begun < 10


def test_a_build_that_dies_takes_nothing_along(
    manifest: Manifest, fail: Faults
) -> None:
    fail("crash")
    with pytest.raises(BuildFailed, match=r"died \(signal 11\)"):
        run(manifest)
