"""Vary a batch on the device: pose first, then light and noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_GREY = 114 / 255
_SEEN = 0.45  # a box that keeps less of its area is no longer asked for


@dataclass(frozen=True)
class Batch:
    """Images (N, C, H, W) in 0..1, boxes (N, M, 4) in pixels, labels (N, M).

    Boxes are left, top, right, bottom; the label -1 pads.
    """

    images: Tensor
    boxes: Tensor
    labels: Tensor


def vary(batch: Batch) -> Batch:
    """Another view of each image: turned, mirrored, scaled, moved, relit."""
    pose = _poses(len(batch.images), batch.images.device)
    images = _warped(batch.images, pose)
    boxes, labels = _moved(batch, pose)
    return Batch(_relit(images), boxes, labels)


def _poses(count: int, device: torch.device) -> Tensor:
    """Maps from output to input, both in -1..1: (N, 2, 3)."""
    quarter = torch.randint(0, 4, (count,), device=device) * (torch.pi / 2)
    mirror = torch.randint(0, 2, (count,), device=device) * 2.0 - 1.0
    plain = torch.rand(count, device=device) < 0.45
    scale = torch.exp(torch.empty(count, device=device).uniform_(-0.35, 0.35))
    scale = torch.where(plain, torch.ones_like(scale), scale)
    shift = torch.empty(count, 2, device=device).uniform_(-0.3, 0.3)
    shift = shift * (~plain)[:, None]
    cosine, sine = (
        torch.cos(quarter).round() * scale,
        torch.sin(quarter).round() * scale,
    )
    top = torch.stack([cosine * mirror, -sine, shift[:, 0]], 1)
    bottom = torch.stack([sine * mirror, cosine, shift[:, 1]], 1)
    return torch.stack([top, bottom], 1)


def _warped(images: Tensor, pose: Tensor) -> Tensor:
    grid = functional.affine_grid(pose, list(images.shape), align_corners=False)
    moved = functional.grid_sample(
        images - _GREY, grid.to(images.dtype), align_corners=False
    )
    return moved + _GREY


def _moved(batch: Batch, pose: Tensor) -> tuple[Tensor, Tensor]:
    """The boxes in the output, cut at its border; those hardly seen are dropped."""
    size = float(batch.images.shape[-1])
    turn = pose[:, :, :2].inverse()
    corners = batch.boxes.reshape(len(batch.boxes), -1, 2) / size * 2 - 1
    corners = (corners - pose[:, None, :, 2]) @ turn.transpose(1, 2)
    pairs = ((corners + 1) / 2 * size).reshape(*batch.boxes.shape[:2], 2, 2)
    whole = torch.cat([pairs.amin(2), pairs.amax(2)], -1)
    cut = whole.clamp(0, size)
    keep = _area(cut) > _SEEN * _area(whole)
    labels = torch.where(keep, batch.labels, torch.full_like(batch.labels, -1))
    return cut, labels


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).prod(-1)


def _relit(images: Tensor) -> Tensor:
    """Contrast, brightness, tint and noise for about half of the images."""
    shape = (len(images), 1, 1, 1)
    device = images.device
    some = (torch.rand(shape, device=device) < 0.5).to(images.dtype)
    contrast = 1 + some * torch.empty(shape, device=device).uniform_(-0.3, 0.15)
    tint = torch.empty(len(images), images.shape[1], 1, 1, device=device)
    offset = some * tint.uniform_(-0.06, 0.06)
    offset = offset + some * torch.empty(shape, device=device).uniform_(-0.1, 0.1)
    noise = some * torch.rand(shape, device=device) * 0.05 * torch.randn_like(images)
    return ((images - 0.5) * contrast + 0.5 + offset + noise).clamp(0, 1)
