# mypy: disallow-subclassing-any=False
"""quality_net: a small anchor-free detector, its decoding inside the graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

STRIDES = (8, 16, 32)
GRANULE = 32
"""Height and width of an input must be multiples of this many pixels."""

_WIDTHS = (24, 48, 96, 160, 224)
_HEAD = 80


class ConvUnit(nn.Module):
    """Convolution, batch norm, ReLU; keeps the size at stride 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)))

    def fold(self) -> None:
        """Move the batch norm into the convolution: for use, not for training."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class Bottleneck(nn.Module):
    """Two 3 x 3 convolutions around a residual connection."""

    def __init__(self, width: int):
        super().__init__()
        self.first = ConvUnit(width, width, 3)
        self.second = ConvUnit(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(self.first(x))
        return out


class Stage(nn.Module):
    """Cross-stage block: half of the channels pass `depth` bottlenecks."""

    def __init__(self, inputs: int, outputs: int, depth: int):
        super().__init__()
        self.branch = outputs // 2
        self.enter = ConvUnit(inputs, 2 * self.branch)
        self.deep = nn.ModuleList(Bottleneck(self.branch) for _ in range(depth))
        self.leave = ConvUnit((2 + depth) * self.branch, outputs)

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.enter(x).split(self.branch, 1))
        for block in self.deep:
            parts.append(block(parts[-1]))
        out: Tensor = self.leave(torch.cat(parts, 1))
        return out


class WideView(nn.Module):
    """Pools over 5, 9 and 13 cells, so that the deepest stage sees far."""

    def __init__(self, width: int):
        super().__init__()
        self.enter = ConvUnit(width, width // 2)
        self.leave = ConvUnit(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        views = [self.enter(x)]
        for _ in range(3):
            views.append(functional.max_pool2d(views[-1], 5, 1, 2))
        out: Tensor = self.leave(torch.cat(views, 1))
        return out


class Gate(nn.Module):
    """Weighs channels by what the whole picture looks like.

    Copper is dark on one board and bright on the next; which of the two it is
    decides what a speck means, and no single place tells.
    """

    def __init__(self, width: int):
        super().__init__()
        self.squeeze = nn.Conv2d(width, width // 4, 1)
        self.excite = nn.Conv2d(width // 4, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen = functional.relu(self.squeeze(x.mean((2, 3), keepdim=True)))
        out: Tensor = x * self.excite(seen).sigmoid()
        return out


class Head(nn.Module):
    """Class logits and box distances of one pyramid level, decoupled."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        # A rare class at the start: the loss of the empty board stays small.
        self.classify = _tower(width, classes, bias=-5.0)
        self.locate = _tower(width, 4, bias=1.5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, cells, classes) and ltrb (N, cells, 4) in strides."""
        logits = self.classify(x).flatten(2).transpose(1, 2)
        distances = functional.softplus(self.locate(x)).flatten(2).transpose(1, 2)
        return logits, distances


class QualityNet(nn.Module):
    """The detector: images (N, channels, H, W) in 0..1 to raw or final boxes.

    `raw` gives class logits (N, A, classes), boxes (N, A, 4) as left, top,
    right, bottom in pixels, and points (A, 3) as x, y and stride. `forward`
    gives (N, A, 4 + classes): boxes, then scores in 0..1. A counts the cells of
    the strides: HW/64 + HW/256 + HW/1024.
    """

    def __init__(self, classes: int, channels: int = 3):
        super().__init__()
        self.channels = channels
        stem, low, p3, p4, p5 = _WIDTHS
        self.shallow = nn.Sequential(
            ConvUnit(channels, stem, 3, 2),
            Gate(stem),
            ConvUnit(stem, low, 3, 2),
            Stage(low, low, 1),
            Gate(low),
        )
        self.to_p3 = nn.Sequential(ConvUnit(low, p3, 3, 2), Stage(p3, p3, 2), Gate(p3))
        self.to_p4 = nn.Sequential(ConvUnit(p3, p4, 3, 2), Stage(p4, p4, 2), Gate(p4))
        self.to_p5 = nn.Sequential(
            ConvUnit(p4, p5, 3, 2), Stage(p5, p5, 1), WideView(p5)
        )
        self.up_p4 = Stage(p5 + p4, p4, 1)
        self.up_p3 = Stage(p4 + p3, p3, 1)
        self.down_p3 = ConvUnit(p3, p3, 3, 2)
        self.down_p4 = Stage(p3 + p4, p4, 1)
        self.down_p4_again = ConvUnit(p4, p4, 3, 2)
        self.down_p5 = Stage(p4 + p5, p5, 1)
        self.heads = nn.ModuleList(Head(width, classes) for width in (p3, p4, p5))

    def features(self, images: Tensor) -> list[Tensor]:
        """The pyramid levels that the heads look at, one for each of STRIDES."""
        p3 = self.to_p3(self.shallow(images))
        p4 = self.to_p4(p3)
        p5 = self.to_p5(p4)
        mid = self.up_p4(torch.cat([_doubled(p5), p4], 1))
        fine = self.up_p3(torch.cat([_doubled(mid), p3], 1))
        coarse = self.down_p4(torch.cat([self.down_p3(fine), mid], 1))
        coarsest = self.down_p5(torch.cat([self.down_p4_again(coarse), p5], 1))
        return [fine, coarse, coarsest]

    def raw(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        levels = self.features(images)
        logits, distances = zip(
            *(head(level) for head, level in zip(self.heads, levels, strict=True)),
            strict=True,
        )
        points = torch.cat(
            [
                _points(level, stride)
                for level, stride in zip(levels, STRIDES, strict=True)
            ]
        )
        boxes = _decoded(torch.cat(distances, 1).float(), points)
        return torch.cat(logits, 1), boxes, points

    def forward(self, images: Tensor) -> Tensor:
        logits, boxes, _ = self.raw(images)
        return torch.cat([boxes, logits.sigmoid().float()], 2)


def _tower(width: int, outputs: int, bias: float) -> nn.Sequential:
    last = nn.Conv2d(_HEAD, outputs, 1)
    nn.init.normal_(last.weight, std=0.01)
    if last.bias is not None:
        nn.init.constant_(last.bias, bias)
    return nn.Sequential(ConvUnit(width, _HEAD, 3), ConvUnit(_HEAD, _HEAD, 3), last)


def _doubled(level: Tensor) -> Tensor:
    return functional.interpolate(level, scale_factor=2.0, mode="nearest")


def _points(level: Tensor, stride: int) -> Tensor:
    """Centres of a level's cells in pixels and the stride, (cells, 3)."""
    height, width = level.shape[-2:]
    device = level.device
    ys = torch.arange(height, device=device, dtype=torch.float32) + 0.5
    xs = torch.arange(width, device=device, dtype=torch.float32) + 0.5
    rows = ys[:, None].expand(height, width).reshape(-1)
    columns = xs[None, :].expand(height, width).reshape(-1)
    strides = torch.full_like(rows, float(stride))
    return torch.stack([columns * stride, rows * stride, strides], 1)


def _decoded(distances: Tensor, points: Tensor) -> Tensor:
    centres, strides = points[:, :2], points[:, 2:]
    before = centres - distances[..., :2] * strides
    after = centres + distances[..., 2:] * strides
    return torch.cat([before, after], -1)
