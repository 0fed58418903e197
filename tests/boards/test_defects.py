"""Each defect changes the copper as its name says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from traceability.demo.boards import CLASSES, draw_template, plant, random_style
from traceability.demo.boards.model import Mask, Style

SEEDS = range(8)


def board(seed: int) -> tuple[Mask, np.random.Generator]:
    rng = np.random.default_rng(seed)
    style = Style(400, "mixed", 9.0, 12.0, 1.2, 0.0, 0.0, 0)
    return draw_template(rng, style), rng


def pieces(mask: Mask) -> int:
    return int(cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0]) - 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("category", CLASSES)
def test_every_changed_pixel_lies_inside_the_box(category: str, seed: int) -> None:
    mask, rng = board(seed)
    planted, boxes = plant(mask, [category], rng)
    for box in boxes:
        assert box.category == category
    rows, columns = np.nonzero(planted != mask)
    assert bool(boxes) == bool(len(rows))
    for box in boxes:
        assert box.x + 9 <= columns.min() <= columns.max() <= box.x + box.width - 8
        assert box.y + 9 <= rows.min() <= rows.max() <= box.y + box.height - 8


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("category", CLASSES)
def test_copper_is_only_added_or_only_taken_away(category: str, seed: int) -> None:
    mask, rng = board(seed)
    planted, boxes = plant(mask, [category], rng)
    added, taken = planted & ~mask, mask & ~planted
    adds = category in ("short", "spur", "copper")
    assert not (taken if adds else added).any()
    assert (added if adds else taken).any() or not boxes


@pytest.mark.parametrize("seed", SEEDS)
def test_islands_make_a_new_piece_and_bulges_make_none(seed: int) -> None:
    mask, rng = board(seed)
    islands = {"copper": 1, "spur": 0}
    for category, more in islands.items():
        planted, boxes = plant(mask, [category], rng)
        assert pieces(planted) == pieces(mask) + more * len(boxes)
    for category, more in {"pin-hole": 1, "mousebite": 0}.items():
        planted, boxes = plant(mask, [category], rng)
        assert pieces(~planted) >= pieces(~mask) + more * len(boxes)


def test_defects_keep_apart_and_leave_the_given_board_alone() -> None:
    mask, rng = board(3)
    before = mask.copy()
    _, boxes = plant(mask, CLASSES * 2, rng)
    assert np.array_equal(mask, before)
    assert len(boxes) >= 8
    middles = [(b.x + b.width / 2, b.y + b.height / 2) for b in boxes]
    for i, (x, y) in enumerate(middles):
        for other_x, other_y in middles[:i]:
            assert max(abs(x - other_x), abs(y - other_y)) > 8


def test_a_board_without_copper_takes_only_specks() -> None:
    bare = np.zeros((200, 200), bool)
    planted, boxes = plant(bare, CLASSES, np.random.default_rng(0))
    assert not [box for box in boxes if box.category != "copper"]
    assert planted.any() == bool(boxes)


def test_random_styles_cover_every_scene() -> None:
    rng = np.random.default_rng(0)
    scenes = {random_style(rng).scene for _ in range(200)}
    assert scenes == {"fine", "flood", "pour", "bars", "mixed"}
