"""Defects undone with the template's pixels, and patches that hide the seams."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

from dataclasses import replace

import torch

from inference_worker.training.augment import Batch, vary
from tests.training.views import STILL, noise, targets

HEALED = replace(STILL, heal=1.0)
ALONE, CROWD, OTHER = 0, 1, 2
INSIDES = (slice(8, 20), slice(30, 44), slice(36, 52))


def defects(count: int) -> Batch:
    """One box by itself and two that overlap, on noise over another noise."""
    boxes = torch.tensor(
        [[8.0, 8, 20, 20], [30.0, 30, 44, 44], [36.0, 36, 52, 52]]
    ).repeat(count, 1, 1)
    labels = torch.tensor([0, 1, 2]).repeat(count, 1)
    return Batch(noise(count), noise(count), targets(boxes, labels))


def test_a_healed_defect_is_the_template_and_no_longer_asked_for() -> None:
    batch = defects(16)
    seen = vary(batch, HEALED)
    inside = (..., INSIDES[ALONE], INSIDES[ALONE])
    assert torch.allclose(seen.images[inside], batch.templates[inside], atol=1e-4)
    assert (seen.targets.labels[:, ALONE] == -1).all()


def test_crowded_defects_are_never_healed_and_decoys_never_touch_a_box() -> None:
    batch = defects(64)
    seen = vary(batch, HEALED)
    for which in (CROWD, OTHER):
        inside = (..., INSIDES[which], INSIDES[which])
        assert torch.allclose(seen.images[inside], batch.images[inside], atol=1e-4)
        assert (seen.targets.labels[:, which] == which).all()


def test_decoys_put_template_pixels_where_nothing_was_wrong() -> None:
    batch = defects(16)
    seen = vary(batch, HEALED)
    outside = torch.ones(64, 64, dtype=torch.bool)
    outside[8:20, 8:20] = False
    changed = (seen.images - batch.images).abs().amax(1) > 1e-3
    put = changed & outside
    assert put.flatten(1).any(1).sum() > 8
    exact = (seen.images - batch.templates).abs().amax(1) < 1e-4
    assert exact[put].all()


def test_no_defect_is_healed_with_its_own_pixels() -> None:
    """A picture without a template of its own brings itself."""
    batch = defects(8)
    seen = vary(replace(batch, templates=batch.images.clone()), HEALED)
    assert torch.equal(seen.targets.labels, batch.targets.labels)


def test_without_healing_every_defect_stays() -> None:
    batch = defects(8)
    seen = vary(batch, STILL)
    assert torch.allclose(seen.images, batch.images, atol=1e-4)
    assert torch.equal(seen.targets.labels, batch.targets.labels)
