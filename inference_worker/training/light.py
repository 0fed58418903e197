"""Vary the light of a batch: contrast, brightness, tint, blur, noise."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from inference_worker.training.strength import Strength


def relit(images: Tensor, strength: Strength) -> Tensor:
    """Contrast, brightness, tint, blur and noise for about half of the images."""
    shape = (len(images), 1, 1, 1)
    device = images.device
    some = (torch.rand(shape, device=device) < 0.5).float()
    images = _blurred(images, some, strength)
    contrast = torch.empty(shape, device=device)
    contrast = 1 + some * contrast.uniform_(-strength.contrast, strength.contrast / 2)
    offset = torch.empty(shape, device=device).uniform_(-strength.light, strength.light)
    tint = torch.empty(len(images), images.shape[1], 1, 1, device=device)
    offset = some * (offset + tint.uniform_(-strength.tint, strength.tint))
    sigma = some * torch.rand(shape, device=device) * strength.noise
    noise = sigma * torch.randn_like(images)
    return ((images - 0.5) * contrast + 0.5 + offset + noise).clamp(0, 1)


def _blurred(images: Tensor, some: Tensor, strength: Strength) -> Tensor:
    if not strength.blur:
        return images
    soft = functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
    chosen = torch.rand(some.shape, device=some.device) < strength.blur
    return torch.lerp(images, soft, some * chosen * torch.rand_like(some))
