"""Where a training runs; what needs a GPU is skipped without one."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

from pathlib import Path

import pytest
import torch

from inference_worker.training.errors import TrainingFailed
from inference_worker.training.run import device_of
from inference_worker.training.settings import Settings

GPU = torch.cuda.is_available()


def test_without_a_gpu_and_without_a_word_it_is_the_cpu() -> None:
    if GPU:
        pytest.skip("this machine has a GPU")
    assert device_of(Settings(out=Path())) == torch.device("cpu")


@pytest.mark.parametrize("said", ["", "cuda", "cuda:0"])
def test_a_gpu_is_always_a_numbered_one(said: str) -> None:
    if not GPU:
        pytest.skip("no GPU here")
    assert device_of(Settings(out=Path(), device=said)) == torch.device("cuda", 0)


@pytest.mark.parametrize("said", ["cuda:77", "tpu"])
def test_a_device_that_is_not_there_is_named(said: str) -> None:
    with pytest.raises(TrainingFailed, match=f"--device {said}"):
        device_of(Settings(out=Path(), device=said))
