"""What crosses the pipe is what is described, or a FrameError."""

from __future__ import annotations

import pytest

from inference_worker.untrusted import frames


@pytest.mark.parametrize(
    "shape", [[0, 10**30], [0, 2**62, 2**62], [3], [-1], [True], [1] * 17]
)
def test_a_shape_that_the_bytes_are_not_of_is_refused(shape: list[int]) -> None:
    entry = {"name": "preds", "dtype": "float32", "shape": shape}
    with pytest.raises(frames.FrameError):
        frames.arrays_of([entry], memoryview(b"\0" * 4 if shape == [True] else b""))


def test_nothing_has_a_shape_too() -> None:
    entry = {"name": "preds", "dtype": "float32", "shape": [0, 6]}
    assert frames.arrays_of([entry], memoryview(b""))["preds"].shape == (0, 6)
