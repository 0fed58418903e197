"""Small networks with the heads of YOLOX and of YOLOv5, trained here in minutes.

Written from the published formulas; trained on drawn pictures only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.importing.drawing import NAMES, Box, draw

SIDE = 320
STRIDES = (8, 16, 32)
ANCHORS = torch.tensor(
    [
        [[10, 13], [16, 30], [33, 23]],
        [[30, 61], [62, 45], [59, 119]],
        [[116, 90], [156, 198], [373, 326]],
    ],
    dtype=torch.float32,
)
"""(level, anchor, width and height), as YOLOv5 has them."""

_MOST_RATIO = 4.0
_WIDTHS = (16, 32, 48, 64, 96)


class Compact(nn.Module):
    """Features at strides 8, 16, 32 and one convolution each for `each` x (5 + nc)."""

    def __init__(self, each: int, scale: float) -> None:
        super().__init__()
        self.each, self.scale = each, scale
        inputs = (3, *_WIDTHS[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(_unit(a, b, 2), _unit(b, b, 1))
            for a, b in zip(inputs, _WIDTHS, strict=True)
        )
        self.heads = nn.ModuleList(
            nn.Sequential(_unit(w, 64, 1), nn.Conv2d(64, each * (5 + len(NAMES)), 1))
            for w in _WIDTHS[2:]
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, rows, columns, each, 5 + nc) for each stride, nothing applied."""
        x, outputs = images * self.scale, []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i >= 2:
                raw = self.heads[i - 2](x)
                n, _, rows, columns = raw.shape
                split = raw.view(n, self.each, 5 + len(NAMES), rows, columns)
                outputs.append(split.permute(0, 3, 4, 1, 2))
        return outputs


def grid(rows: int, columns: int) -> Tensor:
    """(rows, columns, 1, 2): x and y of each cell."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack([x, y], -1)[:, :, None].float()


def yolox_boxes(raw: Tensor, level: int) -> Tensor:
    """(…, 4) centre and size in pixels, YOLOX's formula."""
    cells = grid(*raw.shape[1:3])
    centre = (raw[..., :2] + cells) * STRIDES[level]
    return torch.cat([centre, raw[..., 2:4].exp() * STRIDES[level]], -1)


def yolov5_boxes(raw: Tensor, level: int) -> Tensor:
    """(…, 4) centre and size in pixels, YOLOv5's formula."""
    share, cells = raw[..., :4].sigmoid(), grid(*raw.shape[1:3])
    centre = (share[..., :2] * 2 - 0.5 + cells) * STRIDES[level]
    return torch.cat([centre, (share[..., 2:] * 2) ** 2 * ANCHORS[level]], -1)


def made(kind: str) -> Compact:
    return Compact(1, 1 / 255) if kind == "yolox" else Compact(3, 1.0)


def train(kind: str, seconds: float) -> Compact:
    """`yolox` learns blue, green, red in 0..255, `yolov5` RGB in 0..1."""
    torch.manual_seed(0)
    torch.set_num_threads(2)
    yolox = kind == "yolox"
    network = made(kind)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    images, boxes = _material(64, yolox)
    rng, end, step = np.random.default_rng(0), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        at = rng.choice(len(images), 8, replace=False)
        outputs = network(images[torch.from_numpy(at)])
        loss = _loss(outputs, [boxes[i] for i in at], yolox)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            print(f"{kind} step {step} loss {loss.item():.3f}", flush=True)
    return network.eval()


def _material(count: int, yolox: bool) -> tuple[Tensor, list[Sequence[Box]]]:
    pictures, boxes = zip(
        *(draw(SIDE, SIDE, seed) for seed in range(count)), strict=True
    )
    images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
    return (images.flip(1) if yolox else images / 255), list(boxes)


def _loss(outputs: list[Tensor], boxes: list[Sequence[Box]], yolox: bool) -> Tensor:
    total = torch.zeros(())
    for level, raw in enumerate(outputs):
        decoded = (yolox_boxes if yolox else yolov5_boxes)(raw, level)
        wanted = torch.zeros(raw.shape[:-1])
        places, truth, kinds = _places(raw, boxes, level, yolox)
        if len(places):
            index = tuple(torch.tensor(places).T)
            target = torch.tensor(truth)
            got = decoded[index]
            total = total + 2 * (1 - _iou(got, target)).mean()
            one_hot = functional.one_hot(torch.tensor(kinds), len(NAMES)).float()
            total = total + functional.binary_cross_entropy_with_logits(
                raw[index][:, 5:], one_hot
            )
            wanted[index] = 1.0
        total = total + functional.binary_cross_entropy_with_logits(
            raw[..., 4], wanted, pos_weight=torch.tensor(8.0)
        )
    return total


def _places(
    raw: Tensor, boxes: list[Sequence[Box]], level: int, yolox: bool
) -> tuple[list[tuple[int, ...]], list[tuple[float, ...]], list[int]]:
    """Which cells and anchors stand for which boxes."""
    places, truth, kinds = [], [], []
    for n, some in enumerate(boxes):
        for kind, left, top, right, bottom in some:
            box = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
            column, row = int(box[0] // STRIDES[level]), int(box[1] // STRIDES[level])
            for anchor in _anchors(box, level, yolox):
                places.append((n, row, column, anchor))
                truth.append(box)
                kinds.append(kind)
    return places, truth, kinds


def _anchors(box: tuple[float, ...], level: int, yolox: bool) -> list[int]:
    if yolox:
        longest = max(box[2:])
        return (
            [0] if level == (0 if longest < 30 else 1 if longest < 120 else 2) else []
        )
    ratio = torch.tensor(box[2:]) / ANCHORS[level]
    worst = torch.maximum(ratio, 1 / ratio).amax(1)
    return [i for i in range(3) if worst[i] < _MOST_RATIO]


def _iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of boxes as centre and size, less a pull towards the other's centre."""
    near = torch.maximum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    far = torch.minimum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    shared = (far - near).clamp(min=0).prod(1)
    union = a[:, 2:].prod(1) + b[:, 2:].prod(1) - shared
    away = ((a[:, :2] - b[:, :2]).abs() / b[:, 2:]).sum(1)
    return shared / union.clamp(min=1e-6) - 0.2 * away.clamp(max=5.0)


def _unit(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
