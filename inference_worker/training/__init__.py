"""Train the detector; torch is needed only once training starts."""

from __future__ import annotations

from pathlib import Path

from inference_worker.training.settings import Settings

__all__ = ["Settings", "train"]


def train(settings: Settings) -> Path:
    """Train as the settings say and write a version folder; gives its path.

    Raises ImportError without the packages of requirements-train.txt.
    """
    from inference_worker.training.run import train_and_release

    return train_and_release(settings)
