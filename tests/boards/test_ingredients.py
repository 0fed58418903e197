"""Every switch changes what it names, and all of them on change nothing."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from traceability.demo.boards import ALL, SCANNER_ONLY, Ingredients, Sample, draw_sample
from traceability.demo.boards.ingredients import NAMES

PINNED = "6d3058c51bc005ced69255085bbbc22a2e6f868b541aa9edf874050952992943"
SIZE = 320
SEEDS = range(24)


def drawn(seed: int, ingredients: Ingredients = ALL) -> Sample:
    return draw_sample(np.random.default_rng(seed), SIZE, ingredients)


def same(first: Sample, second: Sample) -> bool:
    pictures = np.array_equal(first.image, second.image)
    templates = np.array_equal(first.template_image, second.template_image)
    return pictures and templates and first.boxes == second.boxes


def test_the_usual_pictures_change_only_on_purpose() -> None:
    digest = hashlib.sha256()
    for seed in SEEDS:
        sample = drawn(seed)
        digest.update(sample.image.tobytes() + sample.template_image.tobytes())
        digest.update(repr(sample.boxes).encode())
    assert digest.hexdigest() == PINNED


@pytest.mark.parametrize("name", NAMES)
def test_each_switch_changes_some_pictures(name: str) -> None:
    less = ALL.without(name)
    seeds = range(1000, 1100)
    assert not all(same(drawn(seed), drawn(seed, less)) for seed in seeds)


def test_a_name_that_is_no_ingredient_is_refused() -> None:
    with pytest.raises(ValueError, match="etchings.*etching"):
        ALL.without("etchings")


def test_scanner_only_pictures_are_black_and_white_and_match_their_template() -> None:
    for seed in range(6):
        sample = drawn(seed, SCANNER_ONLY)
        assert set(np.unique(sample.image)) <= {0, 255}
        outside = (sample.image != sample.template_image).any(2)
        for box in sample.boxes:
            left, top = int(box.x), int(box.y)
            outside[top : top + int(box.height), left : left + int(box.width)] = False
        assert sample.boxes
        assert not outside.any()


def test_without_normal_boards_every_board_is_asked_for_a_defect() -> None:
    less = ALL.without("normal_boards")
    assert any(not drawn(seed).boxes for seed in range(60))
    assert all(drawn(seed, less).boxes for seed in range(60))


def test_exact_boxes_have_whole_pixels() -> None:
    for seed in range(3):
        for box in drawn(seed, SCANNER_ONLY).boxes:
            assert float(box.x).is_integer()
            assert float(box.width).is_integer()
