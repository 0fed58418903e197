"""Builds in this process, through NVIDIA's bindings: what is asked for, what fails."""

from __future__ import annotations

from dataclasses import replace

import pytest
import tensorrt as trt

from inference_worker.engine.errors import BuildCancelled, BuildFailed
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.tensorrt.building import Order, make
from inference_worker.engine.tensorrt.progress import Progress
from tests.contract.checks.conftest import (
    MIB,
    Faults,
    manifest_of,
    order_for,
    with_odd_node,
)
from tests.contract.double.plan import Plan


def run(order: Order) -> bytes:
    return make(order, lambda _: None, lambda: False).plan


@pytest.mark.parametrize("channels", [3, 6])
def test_an_engine_has_a_profile_for_each_size_with_a_batch_axis(channels: int) -> None:
    plan = Plan.read(run(order_for(manifest_of(channels))))
    assert [profile["images"] for profile in plan.profiles] == [
        [
            [1, channels, side, side],
            [1, channels, side, side],
            [4, channels, side, side],
        ]
        for side in (512, 640, 1024)
    ]


def test_a_network_is_strongly_typed_and_keeps_to_its_budget(
    manifest: Manifest,
) -> None:
    plan = Plan.read(run(order_for(manifest)))
    assert plan.strongly_typed
    assert plan.workspace == 64 * MIB


def test_a_half_network_takes_half_floats_and_gives_single_ones(
    manifest: Manifest,
) -> None:
    plan = Plan.read(run(order_for(manifest, half=True)))
    half, single = int(trt.DataType.HALF), int(trt.DataType.FLOAT)
    assert [one.type for one in plan.tensors] == [half, single]


def test_the_plan_begins_with_the_version_that_made_it(manifest: Manifest) -> None:
    plan = run(order_for(manifest))
    assert plan[:4] == b"ftrt"
    assert ".".join(map(str, plan[24:28])) == trt.__version__


def test_a_timing_cache_is_used_again(manifest: Manifest) -> None:
    order = order_for(manifest)
    first = make(order, lambda _: None, lambda: False)
    again = replace(order, timing_cache=first.timing_cache)
    second = make(again, lambda _: None, lambda: False)
    assert second.timing_cache == first.timing_cache + b"+"
    assert second.warnings == ()


@pytest.mark.parametrize("other", ["of another version", "timings of {}:another card"])
def test_a_foreign_timing_cache_is_left_out_and_told_of(
    other: str, manifest: Manifest
) -> None:
    cache = other.format(trt.__version__).encode()
    order = replace(order_for(manifest), timing_cache=cache)
    made = make(order, lambda _: None, lambda: False)
    assert made.warnings == ("the timing cache did not fit and was begun anew",)
    assert made.timing_cache == f"timings of {trt.__version__}:+".encode()


def test_a_node_that_cannot_be_read_is_named(manifest: Manifest) -> None:
    with pytest.raises(BuildFailed) as caught:
        run(with_odd_node(order_for(manifest)))
    assert (
        "node 18 'head/odd' (Sparkle): UNSUPPORTED_NODE: no importer registered"
        " (onnxOpImporters.cpp:412)"
    ) in str(caught.value)


def test_what_is_no_onnx_is_refused(manifest: Manifest) -> None:
    with pytest.raises(BuildFailed, match="MODEL_DESERIALIZE_FAILED: Failed to parse"):
        run(replace(order_for(manifest), onnx=b"\xff nothing"))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("builder_factory", "factory function returned nullptr"),
        ("parser_factory", "factory function returned nullptr"),
        ("network", "no network"),
        ("config", "no configuration"),
        ("parse", "cannot read this ONNX file"),
        ("profile_shape", "Shape provided for min is inconsistent"),
        ("profile_index", "was refused"),
        ("timing_cache", "it takes no timing cache"),
        ("plan", "Could not find any implementation for node Conv_7"),
    ],
)
def test_every_failure_is_one_error_that_says_why(
    fault: str, said: str, fail: Faults, manifest: Manifest
) -> None:
    order = order_for(manifest)
    fail(fault)
    with pytest.raises(BuildFailed, match=said):
        run(order)


def test_progress_rises_to_the_whole(manifest: Manifest) -> None:
    told: list[Progress] = []
    make(order_for(manifest), told.append, lambda: False)
    done = [one.done for one in told]
    assert done == sorted(done)
    assert done[0] == pytest.approx(1 / 9)
    assert done[-1] == 1.0


def test_a_build_that_is_cancelled_makes_nothing(manifest: Manifest) -> None:
    steps: list[Progress] = []
    with pytest.raises(BuildCancelled):
        make(order_for(manifest), steps.append, lambda: len(steps) >= 2)
    assert len(steps) == 2
