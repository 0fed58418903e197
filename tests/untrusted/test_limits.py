"""A refusal within ten seconds is no matter of luck: the limits leave no other end."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from inference_worker.untrusted import inspection, sandbox
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.inspection import inspect
from inference_worker.untrusted.limits import DEFAULT, REFUSED_WITHIN, Limits
from inference_worker.untrusted.reading import read_plain
from inference_worker.untrusted.sandbox import Bounds, ask
from tests.untrusted.models import good, node, of, stored


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Bounds]:
    """The bounds of every child that was asked, which is asked all the same."""
    seen: list[Bounds] = []

    def watched(task: str, parts: list[bytes], bounds: Bounds) -> bytes:
        seen.append(bounds)
        return ask(task, parts, bounds)

    monkeypatch.setattr(inspection, "ask", watched)
    return seen


def test_wall_time_ends_before_ten_seconds_from_the_first_byte_read(
    tmp_path: Path, given: list[Bounds], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly it is read: what that took is not there for the rest."""
    (tmp_path / "model.onnx").write_bytes(good().SerializeToString())
    begun: list[float] = []

    def slow(path: Path, most: int) -> bytes:
        begun.append(time.monotonic())
        time.sleep(0.2)
        return read_plain(path, most)

    monkeypatch.setattr(inspection, "read_plain", slow)
    inspect(tmp_path / "model.onnx")
    (bounds,) = given
    assert REFUSED_WITHIN == 10
    assert bounds.deadline <= begun[0] + DEFAULT.seconds
    # Two seconds to end the child and to say so.
    assert DEFAULT.seconds <= REFUSED_WITHIN - 2


def test_so_does_the_childs_own_time_should_its_caller_die(
    tmp_path: Path, given: list[Bounds]
) -> None:
    (tmp_path / "model.onnx").write_bytes(good().SerializeToString())
    inspect(tmp_path / "model.onnx")
    *_, seconds = sandbox._command("inspect", given[0])
    killed_after = int(seconds) + 1  # the system's second word; see child.confine
    assert killed_after <= REFUSED_WITHIN


def _endless() -> bytes:
    """It breaks no rule, and to follow its numbers would take Python half an hour."""
    names = ["small", *(f"v{n}" for n in range(3_000))]
    pools = [
        node("MaxPool", old, new, kernel_shape=[33, 33], pads=[16] * 4)
        for old, new in zip(names[:-1], names[1:], strict=True)
    ]
    return of(
        *pools,
        node("ReduceMean", names[-1], "mean", keepdims=0),
        node("Add", "images mean", "preds"),
        tensors=[stored("small", np.ones((1, 1, 64, 64)))],
    )


def test_what_would_be_looked_into_for_ever_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(_endless())
    with pytest.raises(ModelRefused, match="more than 3 s") as caught:
        inspect(tmp_path / "model.onnx", Limits(seconds=3))
    assert caught.value.reason == Reason.TOO_SLOW
    children = psutil.Process().children()
    left = [one for one in children if one.status() != psutil.STATUS_ZOMBIE]
    assert not [one for one in left if "inspect" in one.cmdline()]
