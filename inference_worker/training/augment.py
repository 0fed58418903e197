"""Vary a batch on the device: heal, pose, mosaic, light."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from inference_worker.training.boxes import Targets, cut_to_windows
from inference_worker.training.light import GREY, relit
from inference_worker.training.strength import Strength

_SEEN = 0.45  # a box that keeps less of its area is no longer asked for
_DECOYS = 2  # template patches put where nothing was wrong, for each image


@dataclass(frozen=True)
class Batch:
    """Images (N, P, H, W) in 0..1, templates of the same shape or None, targets."""

    images: Tensor
    templates: Tensor | None
    targets: Targets


def vary(batch: Batch, strength: Strength) -> Batch:
    """Another view of each image; templates follow their images."""
    batch = _healed(batch, strength)
    pose = _poses(batch.images, strength)
    images = _warped(batch.images, pose)
    templates = batch.templates
    if templates is not None:
        templates = _warped(templates, _slipped(pose, strength))
    targets = _moved(batch.targets, pose, images)
    batch = _mosaic(Batch(images, templates, targets), strength)
    images = relit(batch.images, strength)
    if batch.templates is not None:
        templates = relit(batch.templates, strength)
    return Batch(images, templates, batch.targets)


def _healed(batch: Batch, strength: Strength) -> Batch:
    """Some defects are undone with the template's pixels, and asked for no more.

    Where nothing is wrong template pixels are put too: the seam of a patch is no
    sign of anything. A picture that stands in for its own template stays as it is.
    """
    if batch.templates is None or not strength.heal:
        return batch
    targets, device = batch.targets, batch.images.device
    differs = (batch.images != batch.templates).flatten(1).any(1)
    alone = (targets.labels >= 0) & (targets.crowding() == 0)
    cured = (
        alone
        & differs[:, None]
        & (torch.rand(alone.shape, device=device) < strength.heal)
    )
    height, width = batch.images.shape[-2:]
    decoys = _windows(len(cured), height, width, device)
    apart = targets.overlaps(decoys) == 0  # (N, decoys, M)
    free = (apart | (targets.labels < 0)[:, None]).all(2)
    boxes = torch.cat([targets.boxes, decoys], 1)
    chosen = torch.cat([cured, free], 1)
    inside = _inside(boxes, chosen, height, width)
    images = torch.where(inside[:, None], batch.templates, batch.images)
    return Batch(images, batch.templates, targets.without(cured))


def _windows(count: int, height: int, width: int, device: torch.device) -> Tensor:
    sides = torch.empty(count, _DECOYS, 2, device=device).uniform_(0.03, 0.12)
    at = torch.rand(count, _DECOYS, 2, device=device) * (1 - sides)
    size = _pair(width, height, device)
    return torch.cat([at * size, (at + sides) * size], -1)


def _inside(boxes: Tensor, chosen: Tensor, height: int, width: int) -> Tensor:
    """(N, H, W): pixels of any chosen box, as one product of row and column masks."""
    device = boxes.device
    ys = torch.arange(height, device=device) + 0.5
    xs = torch.arange(width, device=device) + 0.5
    left, top, right, bottom = boxes[..., None].unbind(2)
    rows = ((ys > top) & (ys < bottom) & chosen[..., None]).float()
    columns = ((xs > left) & (xs < right)).float()
    return torch.bmm(rows.transpose(1, 2), columns) > 0.5


def _poses(images: Tensor, strength: Strength) -> Tensor:
    """Maps from output to input, in pixels from the centre: (N, 2, 3)."""
    count, device = len(images), images.device
    turns = torch.randint(0, strength.turns, (count,), device=device)
    quarters = turns * (4 // strength.turns)
    moved = torch.rand(count, device=device) >= strength.plain
    tilt = torch.empty(count, device=device).uniform_(-strength.tilt, strength.tilt)
    angle = quarters * (torch.pi / 2) + tilt * moved
    flip = torch.rand(count, device=device) < (0.5 if strength.mirror else 0.0)
    mirror = 1.0 - 2.0 * flip
    zoom = torch.empty(count, device=device).uniform_(-strength.zoom, strength.zoom)
    scale = torch.exp(zoom * moved)
    sides = _pair(images.shape[-1], images.shape[-2], device)
    shift = torch.empty(count, 2, device=device).uniform_(-1.0, 1.0)
    shift = shift * strength.shift * sides / 2 * moved[:, None]
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    top = torch.stack([cosine * mirror, -sine, shift[:, 0]], 1)
    bottom = torch.stack([sine * mirror, cosine, shift[:, 1]], 1)
    return torch.stack([top, bottom], 1)


def _slipped(pose: Tensor, strength: Strength) -> Tensor:
    """The template's pose: registration is never perfect."""
    slip = torch.randn(len(pose), 2, device=pose.device) * strength.slip / 2
    return torch.cat([pose[..., :2], pose[..., 2:] + slip[..., None]], -1)


def _warped(images: Tensor, pose: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    half = _pair(width / 2, height / 2, pose.device)
    turn = pose[:, :, :2] * half[None, None, :] / half[None, :, None]
    theta = torch.cat([turn, pose[:, :, 2:] / half[None, :, None]], -1)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images - GREY, grid, align_corners=False)
    return moved + GREY


def _moved(targets: Targets, pose: Tensor, images: Tensor) -> Targets:
    """The boxes in the output, cut at its border; those hardly seen are dropped."""
    height, width = images.shape[-2:]
    half = _pair(width / 2, height / 2, pose.device)
    turn = _inverse(pose[:, :, :2])
    left, top, right, bottom = targets.boxes.unbind(-1)
    corners = torch.stack([left, top, right, top, left, bottom, right, bottom], -1)
    points = corners.reshape(len(corners), -1, 2) - half - pose[:, None, :, 2]
    points = (points @ turn.transpose(1, 2) + half).reshape(*corners.shape[:2], 4, 2)
    whole = torch.cat([points.amin(2), points.amax(2)], -1)
    window = torch.cat([torch.zeros_like(half), 2 * half])
    return cut_to_windows(targets.at(whole), window.expand(len(whole), 4), _SEEN)


def _inverse(turn: Tensor) -> Tensor:
    """Of (N, 2, 2) matrices, without asking the device whether it went well."""
    (a, b), (c, d) = (row.unbind(-1) for row in turn.unbind(-2))
    rows = [torch.stack([d, -b], -1), torch.stack([-c, a], -1)]
    return torch.stack(rows, -2) / (a * d - b * c)[:, None, None]


def _pair(x: float, y: float, device: torch.device) -> Tensor:
    """(2,) made on the device: a copy from here could not be part of a CUDA graph."""
    return torch.stack(
        [
            torch.full((), float(x), device=device),
            torch.full((), float(y), device=device),
        ]
    )


def _mosaic(batch: Batch, strength: Strength) -> Batch:
    """Some views are put together from quarters of four: their own and of three more.

    Each quarter keeps its place, so nothing is resampled.
    """
    count = len(batch.images)
    if not strength.mosaic or count < 4:
        return batch
    device = batch.images.device
    height, width = batch.images.shape[-2:]
    chosen = torch.rand(count, device=device) < strength.mosaic
    cut = torch.empty(count, 2, device=device).uniform_(0.25, 0.75)
    cut = torch.where(chosen[:, None], cut, torch.ones_like(cut))
    cut = (cut * _pair(width, height, device)).round()
    own = torch.arange(count, device=device)
    others = [torch.where(chosen, (own + k) % count, own) for k in range(4)]
    windows = _quarters(cut, width, height)
    images = _quartered(batch.images, others, cut)
    templates = batch.templates
    if templates is not None:
        templates = _quartered(templates, others, cut)
    parts = [
        cut_to_windows(batch.targets.take(other), window, _SEEN)
        for other, window in zip(others, windows, strict=True)
    ]
    return Batch(images, templates, Targets.joined(parts))


def _quarters(cut: Tensor, width: int, height: int) -> list[Tensor]:
    """Upper left, upper right, lower left, lower right: (N, 4) boxes."""
    x, y = cut.unbind(1)
    zero, right, bottom = (
        torch.zeros_like(x),
        torch.full_like(x, width),
        torch.full_like(y, height),
    )
    return [
        torch.stack(edges, 1)
        for edges in (
            (zero, zero, x, y),
            (x, zero, right, y),
            (zero, y, x, bottom),
            (x, y, right, bottom),
        )
    ]


def _quartered(images: Tensor, others: list[Tensor], cut: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    device = images.device
    left = torch.arange(width, device=device)[None, :] < cut[:, :1]
    upper = torch.arange(height, device=device)[None, :] < cut[:, 1:]
    left, upper = left[:, None, None, :], upper[:, None, :, None]
    first, second, third, fourth = (images[other] for other in others)
    return torch.where(
        upper, torch.where(left, first, second), torch.where(left, third, fourth)
    )
