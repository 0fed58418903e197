"""Views of a batch: boxes stay on their things; what is gone is not asked for."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

from dataclasses import replace

import pytest
import torch

from inference_worker.training.augment import Batch, vary
from inference_worker.training.boxes import area
from inference_worker.training.light import GREY
from inference_worker.training.strength import Strength
from tests.training.views import STILL, noise, targets

POSES = [
    {"turns": 4},
    {"mirror": True},
    {"shift": 0.6},
    {"zoom": 0.5},
    {"tilt": 0.3},
    {"turns": 4, "mirror": True, "zoom": 0.3, "tilt": 0.2},
]
CANVASES = [(64, 64), (64, 96), (96, 64)]


def one_rectangle(count: int, height: int, width: int) -> Batch:
    """A dark rectangle, higher than wide, off the middle of a light picture."""
    images = torch.full((count, 3, height, width), 0.9)
    top, left = height // 2 - 14, width // 2 - 6
    images[:, :, top : top + 20, left : left + 12] = 0.0
    box = torch.tensor([left, top, left + 12.0, top + 20.0])
    labels = torch.zeros(count, 1, dtype=torch.long)
    return Batch(images, None, targets(box.repeat(count, 1, 1), labels))


def test_nothing_changes_at_strength_zero() -> None:
    batch = replace(one_rectangle(4, 64, 96), images=noise(4, 64, 96))
    batch = replace(batch, templates=noise(4, 64, 96))
    seen = vary(batch, STILL)
    assert torch.allclose(seen.images, batch.images, atol=1e-4)
    assert torch.allclose(seen.templates, batch.templates, atol=1e-4)
    assert torch.allclose(seen.targets.boxes, batch.targets.boxes, atol=1e-3)
    assert torch.equal(seen.targets.labels, batch.targets.labels)
    assert torch.equal(seen.targets.known, batch.targets.known)


@pytest.mark.parametrize("canvas", CANVASES)
@pytest.mark.parametrize("pose", POSES, ids=lambda pose: "+".join(pose))
def test_boxes_follow_their_pixels(
    pose: dict[str, float], canvas: tuple[int, int]
) -> None:
    seen = vary(one_rectangle(24, *canvas), replace(STILL, **pose))
    asked = (seen.targets.labels[:, 0] >= 0).nonzero()[:, 0]
    assert len(asked) >= 12
    for i in asked:
        rows, columns = torch.nonzero(seen.images[i].mean(0) < 0.3, as_tuple=True)
        edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        for edge, side in zip(edges, seen.targets.boxes[i, 0], strict=True):
            assert abs(edge.item() - side.item()) < 2.5


def test_what_has_left_the_picture_is_not_asked_for() -> None:
    seen = vary(one_rectangle(64, 64, 64), replace(STILL, shift=1.0))
    visible = (seen.images.mean(1) < 0.4).sum((1, 2)) / 240
    gone = seen.targets.labels[:, 0] < 0
    assert gone.any()
    assert visible[gone].max() < 0.6
    assert visible[~gone].min() > 0.3


def symmetries(image: torch.Tensor) -> list[torch.Tensor]:
    """The eight ways to lay a square picture: four turns, and their mirror images."""
    turns = [torch.rot90(image, k, (1, 2)) for k in range(4)]
    return [*turns, *(turn.flip(2) for turn in turns)]


@pytest.mark.parametrize(
    ("allowed", "ways"),
    [
        ({"turns": 4, "mirror": True}, {0, 1, 2, 3, 4, 5, 6, 7}),
        ({"turns": 4}, {0, 1, 2, 3}),
        ({"turns": 2}, {0, 2}),
        ({"mirror": True}, {0, 4}),
        ({}, {0}),
    ],
)
def test_only_the_allowed_symmetries_occur(
    allowed: dict[str, int], ways: set[int]
) -> None:
    image = noise(1)[0]
    batch = replace(one_rectangle(64, 64, 64), images=image.repeat(64, 1, 1, 1))
    seen = vary(batch, replace(STILL, **allowed)).images
    laid = torch.stack(symmetries(image))
    apart = (seen[:, None] - laid[None]).abs().amax((2, 3, 4))
    assert apart.amin(1).max() < 1e-3
    assert set(apart.argmin(1).tolist()) == ways


def test_templates_follow_their_images() -> None:
    images = noise(8, 64, 96)
    batch = replace(one_rectangle(8, 64, 96), images=images, templates=images.clone())
    moving = replace(STILL, turns=4, mirror=True, zoom=0.3, shift=0.3, mosaic=0.5)
    seen = vary(batch, moving)
    assert torch.allclose(seen.images, seen.templates, atol=1e-5)
    slipped = vary(batch, replace(moving, slip=2.0))
    assert not torch.allclose(slipped.images, slipped.templates, atol=1e-2)


def test_light_stays_in_range_and_spares_some_pictures() -> None:
    images = noise(64)
    batch = replace(one_rectangle(64, 64, 64), images=images)
    lit = replace(
        STILL, light=0.5, contrast=0.5, tint=0.2, noise=0.2, blur=1.0, plain=1.0
    )
    seen = vary(batch, lit).images
    assert seen.min() >= 0
    assert seen.max() <= 1
    changed = ((seen - images).abs().amax((1, 2, 3)) > 0.01).sum().item()
    assert 16 < changed < 48


def patchwork(count: int, height: int, width: int) -> Batch:
    """Two rectangles a picture; each has a shade of its own, and a label to match."""
    images = torch.zeros(count, 1, height, width)
    boxes = torch.tensor([[6.0, 6, 26, 22], [width - 30.0, height - 26, width - 8, 58]])
    boxes[1, 3] = height - 4
    labels = torch.arange(2 * count).reshape(count, 2)
    for i in range(count):
        for box, label in zip(boxes.int().tolist(), labels[i].tolist(), strict=True):
            left, top, right, bottom = box
            images[i, :, top:bottom, left:right] = shade(label)
    return Batch(images, None, targets(boxes.repeat(count, 1, 1), labels))


def shade(label: int) -> float:
    return (label + 1) / 40


@pytest.mark.parametrize("canvas", CANVASES)
def test_every_box_of_a_mosaic_lies_on_its_own_pixels(canvas: tuple[int, int]) -> None:
    seen = vary(patchwork(16, *canvas), replace(STILL, mosaic=1.0))
    strange = 0
    for i in range(16):
        for box, label in zip(
            seen.targets.boxes[i], seen.targets.labels[i], strict=True
        ):
            if label < 0:
                continue
            left, top, right, bottom = (int(side) for side in box)
            pixels = seen.images[i, 0, top:bottom, left:right]
            assert pixels.numel()
            assert torch.allclose(pixels, torch.tensor(shade(int(label))), atol=1e-3)
            strange += int(label) // 2 != i
    assert strange > 4


def test_a_picture_left_whole_keeps_what_was_looked_for_in_it() -> None:
    batch = patchwork(8, 64, 64)
    known = torch.rand(8, 16) < 0.5
    batch = replace(batch, targets=replace(batch.targets, known=known))
    seen = vary(batch, replace(STILL, mosaic=1e-9))
    assert torch.equal(seen.targets.known, known)


def test_a_mosaic_knows_only_what_was_looked_for_in_all_its_parts() -> None:
    batch = patchwork(8, 64, 64)
    known = torch.ones(8, 16, dtype=torch.bool)
    known[2, 5] = False
    batch = replace(batch, targets=replace(batch.targets, known=known))
    seen = vary(batch, replace(STILL, mosaic=1.0)).targets.known
    assert [i for i in range(8) if not seen[i, 5]] == [0, 1, 2, 7]
    assert seen.sum() == 8 * 16 - 4


def test_boxes_never_leave_the_canvas() -> None:
    seen = vary(one_rectangle(64, 64, 96), replace(Strength(), tilt=0.3)).targets
    boxes = seen.boxes[seen.labels >= 0]
    assert (boxes >= 0).all()
    assert (boxes[:, 2] <= 96).all()
    assert (boxes[:, 3] <= 64).all()
    assert (area(boxes) > 0).all()


def test_crisp_views_are_black_and_white_again_but_grey_beside_the_image() -> None:
    batch = one_rectangle(16, 64, 96)
    scans = (batch.images > 0.5).float()
    loose = replace(Strength(crisp=True), plain=0.0)
    seen = vary(replace(batch, images=scans, templates=scans), loose)
    for images in (seen.images, seen.templates):
        assert images is not None
        beside = images == GREY
        assert 0.05 < beside.float().mean() < 0.95
        assert ((images == 0) | (images == 1) | beside).all()
        assert (images == 0).any()
        assert (images == 1).any()


def test_crisp_tracks_become_wider_and_narrower_than_they_were() -> None:
    batch = one_rectangle(64, 64, 96)
    scans = (batch.images > 0.5).float()
    crisp = replace(STILL, crisp=True, shift=0.2)
    seen = vary(replace(batch, images=scans), crisp).images
    areas = (seen[:, 0, 2:-2, 2:-2] == 0).sum((1, 2))
    assert areas.min() < 240 < areas.max()
    assert (areas - 240).abs().max() <= 32
