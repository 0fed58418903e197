from __future__ import annotations

import numpy as np
import pytest

from traceability.demo.boards import CLASSES, draw_product_photo, draw_sample


@pytest.mark.parametrize("seed", range(6))
def test_a_sample_is_a_picture_with_boxes_inside(seed: int) -> None:
    sample = draw_sample(np.random.default_rng(seed))
    assert sample.image.shape == sample.template_image.shape == (640, 640, 3)
    assert sample.image.dtype == np.uint8
    for box in sample.boxes:
        assert box.category in CLASSES
        assert 0 <= box.x < box.x + box.width <= 640
        assert 0 <= box.y < box.y + box.height <= 640
        assert min(box.width, box.height) >= 12


def test_the_same_seed_draws_the_same_sample() -> None:
    first, second = (draw_sample(np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert first.boxes == second.boxes


def test_units_of_a_product_share_their_board_and_only_that() -> None:
    rng = np.random.default_rng(0)
    first, second = (draw_product_photo(3, [], rng) for _ in range(2))
    other = draw_product_photo(4, [], rng)
    assert np.array_equal(first.template_image, second.template_image)
    assert not np.array_equal(first.image, second.image)
    assert not np.array_equal(first.template_image, other.template_image)


@pytest.mark.parametrize("category", CLASSES)
@pytest.mark.parametrize("product", [1, 2])
def test_every_product_has_room_for_every_defect(category: str, product: int) -> None:
    rng = np.random.default_rng(5)
    for _ in range(5):
        boxes = draw_product_photo(product, [category, category], rng).boxes
        assert [box.category for box in boxes] == [category, category]
