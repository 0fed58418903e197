"""Batches to vary, and a strength that leaves them as they are."""

from __future__ import annotations

import torch

from inference_worker.training.boxes import Targets
from inference_worker.training.strength import Strength

STILL = Strength(
    plain=0.0,
    zoom=0.0,
    shift=0.0,
    turns=1,
    mirror=False,
    tilt=0.0,
    mosaic=0.0,
    heal=0.0,
    light=0.0,
    contrast=0.0,
    tint=0.0,
    noise=0.0,
    blur=0.0,
    slip=0.0,
)


def targets(
    boxes: torch.Tensor, labels: torch.Tensor, known: torch.Tensor | None = None
) -> Targets:
    everything = torch.ones(len(boxes), int(labels.max()) + 1, dtype=torch.bool)
    return Targets(boxes, labels, everything if known is None else known)


def noise(count: int, height: int = 64, width: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, height, width)
