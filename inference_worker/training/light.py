"""Vary the light of a batch: contrast, brightness, tint, blur, noise."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from inference_worker.training.strength import Strength

GREY = 114 / 255  # what lies beside an image on its canvas
_LEVELS = (0.35, 0.65)
_ALIKE = 1e-5


def relit(images: Tensor, strength: Strength) -> Tensor:
    """Contrast, brightness, tint, blur and noise for about half of the images."""
    shape = (len(images), 1, 1, 1)
    device = images.device
    some = (torch.rand(shape, device=device) < 0.5).float()
    given = images
    images = _blurred(images, some, strength)
    contrast = torch.empty(shape, device=device)
    contrast = 1 + some * contrast.uniform_(-strength.contrast, strength.contrast / 2)
    offset = torch.empty(shape, device=device).uniform_(-strength.light, strength.light)
    tint = torch.empty(len(images), images.shape[1], 1, 1, device=device)
    offset = some * (offset + tint.uniform_(-strength.tint, strength.tint))
    sigma = some * torch.rand(shape, device=device) * strength.noise
    noise = sigma * torch.randn_like(images)
    lit = ((images - 0.5) * contrast + 0.5 + offset + noise).clamp(0, 1)
    return _crisp(lit, given) if strength.crisp else lit


def _blurred(images: Tensor, some: Tensor, strength: Strength) -> Tensor:
    if not strength.blur:
        return images
    soft = functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
    chosen = torch.rand(some.shape, device=some.device) < strength.blur
    return torch.lerp(images, soft, some * chosen * torch.rand_like(some))


def _crisp(lit: Tensor, given: Tensor) -> Tensor:
    """Black and white at a level that varies from view to view: tracks a little wider
    or narrower, as another exposure would have them. What lies beside the images stays
    grey, and with it their rim, where they were mixed with it.
    """
    level = torch.empty(len(lit), 1, 1, 1, device=lit.device).uniform_(*_LEVELS)
    beside = ((given - GREY).abs() < _ALIKE).to(lit.dtype)
    rim = functional.max_pool2d(beside, 3, 1, 1)
    return torch.where(rim > 0, GREY, (lit > level).to(lit.dtype))
