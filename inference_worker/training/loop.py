"""Fit a network to labelled images held on the device."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inference_worker.training.assign import assign
from inference_worker.training.augment import Batch, vary
from inference_worker.training.data import LabelledImages
from inference_worker.training.losses import detection_loss
from inference_worker.training.network import QualityNet
from inference_worker.training.settings import Settings

log = logging.getLogger(__name__)

_WARM_UP = 200  # steps
_EMA = 0.999
_FINAL_RATE = 0.01
_DECAY = 0.03
_CLIP = 10.0


@dataclass(frozen=True)
class Stored:
    """A data set on the device: uint8 (n, H, W, C), boxes and labels padded."""

    images: Tensor
    boxes: Tensor
    labels: Tensor

    @classmethod
    def of(cls, data: LabelledImages, device: torch.device) -> Stored:
        most = max(1, *(len(truth) for truth in data.truth))
        boxes = np.zeros((len(data.truth), most, 4), np.float32)
        labels = np.full((len(data.truth), most), -1, np.int64)
        for i, truth in enumerate(data.truth):
            boxes[i, : len(truth)] = truth.boxes
            labels[i, : len(truth)] = truth.class_ids
        return cls(
            torch.from_numpy(data.images).to(device),
            torch.from_numpy(boxes).to(device),
            torch.from_numpy(labels).to(device),
        )

    def batches(self, size: int) -> Iterator[Batch]:
        """One epoch in a new order; the odd rest is left for another epoch."""
        order = torch.randperm(len(self.images), device=self.images.device)
        size = min(size, len(order))
        for start in range(0, len(order) - size + 1, size):
            at = order[start : start + size]
            pixels = self.images[at].permute(0, 3, 1, 2).float() / 255
            yield Batch(pixels, self.boxes[at], self.labels[at])


class Average:
    """A running average of the weights, steadier than the weights themselves."""

    def __init__(self, network: QualityNet) -> None:
        self.network = copy.deepcopy(network).eval()
        self._steps = 0

    def update(self, network: QualityNet) -> None:
        self._steps += 1
        share = 1 - min(_EMA, self._steps / (self._steps + 100))
        with torch.no_grad():
            for mine, theirs in zip(
                _floats(self.network), _floats(network), strict=True
            ):
                mine.lerp_(theirs, share)


def _floats(network: QualityNet) -> Iterator[Tensor]:
    """Weights and running statistics, in a fixed order."""
    yield from network.parameters()
    yield from (b for b in network.buffers() if b.dtype.is_floating_point)


def fit(network: QualityNet, data: LabelledImages, settings: Settings) -> QualityNet:
    """Train the network in place; the averaged one, ready to use, comes back."""
    device = next(network.parameters()).device
    stored = Stored.of(data, device)
    network.train()
    _lay_out(network, device)
    average = Average(network)
    optimiser = _optimiser(network, settings.learning_rate, device)
    steps = settings.epochs * max(1, len(data.truth) // settings.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: _rate(step, steps)
    )
    began = time.monotonic()
    for epoch in range(settings.epochs):
        losses = []
        for batch in stored.batches(settings.batch):
            losses.append(_step(network, vary(batch), optimiser))
            schedule.step()
            average.update(network)
        loss, seconds = float(torch.stack(losses).mean()), time.monotonic() - began
        log.info("epoch %d loss %.4f after %.0f s", epoch + 1, loss, seconds)
    trained: QualityNet = average.network
    return trained


def _lay_out(network: QualityNet, device: torch.device) -> None:
    """Channels last: what the tensor cores of a GPU want to see."""
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        for weights in network.parameters():
            if weights.ndim == 4:
                weights.data = weights.data.contiguous(
                    memory_format=torch.channels_last
                )


def _step(
    network: QualityNet, batch: Batch, optimiser: torch.optim.Optimizer
) -> Tensor:
    device = batch.images.device
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        images = batch.images.contiguous(memory_format=torch.channels_last)
        logits, boxes, points = network.raw(images)
    logits = logits.float()
    with torch.no_grad():
        scores = logits.sigmoid()
        target = assign(scores, boxes, points, batch.boxes, batch.labels)
    loss = detection_loss(logits, boxes, target)
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
    optimiser.step()
    return loss.detach()


def _optimiser(
    network: QualityNet, rate: float, device: torch.device
) -> torch.optim.Optimizer:
    heavy = [p for p in network.parameters() if p.ndim > 1]
    light = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": heavy, "weight_decay": _DECAY},
        {"params": light, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, fused=device.type == "cuda")


def _rate(step: int, steps: int) -> float:
    """Share of the learning rate: a short rise, then half a cosine."""
    warm_up = min(_WARM_UP, max(1, steps // 10))
    if step < warm_up:
        return (step + 1) / warm_up
    progress = min(1.0, (step - warm_up) / max(1, steps - warm_up))
    return _FINAL_RATE + (1 - _FINAL_RATE) * (1 + math.cos(math.pi * progress)) / 2
