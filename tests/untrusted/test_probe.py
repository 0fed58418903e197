"""A model runs once in a child and gives what it gives elsewhere, or a reason."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import DEFAULT_PROBE, ProbeLimits
from inference_worker.untrusted.probing import probe
from tests.untrusted.hostile import FILES
from tests.untrusted.models import good, node, of, stored, value
from tests.untrusted.test_sandbox import say

GOOD = good().SerializeToString()
IMAGES = np.random.default_rng(1).random((1, 3, 32, 32), np.float32)


def refusal(model: bytes, limits: ProbeLimits = DEFAULT_PROBE) -> Reason:
    with pytest.raises(ModelRefused) as caught:
        probe(model, {"images": IMAGES}, limits)
    return caught.value.reason


def _filled(count: int) -> bytes:
    """Adds up that many ones before any image is seen."""
    return of(
        node("ConstantOfShape", "count", "ones"),
        node("ReduceSum", "ones", "sum", keepdims=0),
        node("Add", "images sum", "preds"),
        tensors=[stored("count", [count], np.int64)],
    )


def test_the_outputs_are_the_runtimes_own() -> None:
    found = probe(GOOD, {"images": IMAGES})
    session = onnxruntime.InferenceSession(GOOD, providers=["CPUExecutionProvider"])
    (expected,) = session.run(["preds"], {"images": IMAGES})
    assert list(found) == ["preds"]
    assert found["preds"].dtype == np.float32
    np.testing.assert_allclose(found["preds"], expected, rtol=1e-5)


def test_feeds_of_several_types_arrive_whole() -> None:
    model = of(
        node("Cast", "sizes", "preds", to=1),
        node("Relu", "images", "other"),
        inputs=[value("images", ["n", 3, 32, 32]), value("sizes", ["n", 2], 7)],
        outputs=[value("preds", ["n", 2]), value("other", ["n", 3, 32, 32])],
    )
    sizes = np.array([[640, 480], [1, 2]])
    twice = np.concatenate([IMAGES, -IMAGES])
    found = probe(model, {"sizes": sizes, "images": twice})
    np.testing.assert_array_equal(found["preds"], sizes)
    np.testing.assert_array_equal(found["other"], np.maximum(twice, 0))


def test_an_input_that_does_not_fit_is_told() -> None:
    with pytest.raises(ModelRefused, match="images") as caught:
        probe(GOOD, {"images": IMAGES[:, :2]})
    assert caught.value.reason == Reason.RUN_FAILED


def test_what_is_no_model_is_refused() -> None:
    assert refusal(b"no model") == Reason.RUN_FAILED


def test_outputs_are_bounded() -> None:
    assert refusal(GOOD, ProbeLimits(output_bytes=100)) == Reason.OUTPUT_TOO_LARGE


def test_a_bomb_that_the_rules_let_pass_dies_in_the_child() -> None:
    small = ProbeLimits(memory_bytes=2**29)
    assert refusal(_filled(2**28), small) in (Reason.OUT_OF_MEMORY, Reason.DIED)


def test_time_is_bounded() -> None:
    assert refusal(GOOD, ProbeLimits(seconds=0.05)) == Reason.TOO_SLOW


def test_one_that_would_run_for_hours_is_refused() -> None:
    _, make = FILES["products-for-ever"]
    pixel = {"images": np.ones((1, 1, 1, 1), np.float32)}
    with pytest.raises(ModelRefused, match="more than 4 s") as caught:
        probe(make(), pixel, ProbeLimits(seconds=4))
    assert caught.value.reason == Reason.TOO_SLOW


@pytest.mark.parametrize(
    "answer",
    [
        {"outputs": None},
        {"outputs": [{"name": "preds", "dtype": "float32", "shape": [1, 2**40]}]},
        {"outputs": [{"name": "preds", "dtype": "object", "shape": [0]}]},
        {"outputs": [{"name": "preds", "dtype": "float32", "shape": [-1]}]},
        {"outputs": [{"name": "p", "dtype": "float32", "shape": [0]}] * 2},
        '{"outputs": []}\nand more',
    ],
)
def test_a_child_that_lies_is_refused(
    answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, answer)
    assert refusal(GOOD) == Reason.ANSWER_INVALID
