"""A template is brought onto its photo, or left alone where that is not clear."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inference_worker.engine.errors import TemplateError
from inference_worker.engine.registration import find_shift, fit, move, resize
from traceability.demo.boards import draw_product_photo, draw_sample


@pytest.fixture(scope="module")
def pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """Drawn boards with defects, and their templates as another photo took them."""
    rng = np.random.default_rng(5)
    samples = [draw_sample(rng, 640) for _ in range(8)]
    return [(sample.image, sample.template_image) for sample in samples]


def shifted(image: np.ndarray, right: float, down: float) -> np.ndarray:
    matrix = np.float32([[1, 0, right], [0, 1, down]])
    size = image.shape[1::-1]
    return cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def difference(image: np.ndarray, template: np.ndarray) -> float:
    return float(cv2.absdiff(image, template).mean())


def test_an_aligned_pair_is_hardly_moved_and_never_fits_worse(pairs) -> None:
    found = [find_shift(*pair) for pair in pairs]
    assert abs(np.median([shift.right for shift in found])) < 0.7
    assert abs(np.median([shift.down for shift in found])) < 0.7
    for image, template in pairs:
        assert difference(image, fit(image, template)) <= difference(image, template)


def test_an_identical_template_is_returned_as_it_is(pairs) -> None:
    for image, _ in pairs:
        assert fit(image, image) is image


@pytest.mark.parametrize(
    "by", [(16, -16), (-15.5, 3.25), (2, 0), (0.4, -9.7), (-16, -16)]
)
def test_a_shifted_template_is_restored_to_less_than_a_pixel(pairs, by) -> None:
    for image, template in pairs:
        own, away = find_shift(image, template), shifted(template, *by)
        found = find_shift(image, away)
        assert found.right + by[0] == pytest.approx(own.right, abs=0.5)
        assert found.down + by[1] == pytest.approx(own.down, abs=0.5)
        left = find_shift(image, fit(image, away))
        assert np.hypot(left.right, left.down) < 1


def test_most_of_what_the_shift_cost_comes_back(pairs) -> None:
    for image, template in pairs:
        best, away = difference(image, template), shifted(template, 11, -7)
        worst = difference(image, away)
        assert worst > 1.2 * best
        assert difference(image, fit(image, away)) < best + 0.2 * (worst - best)


def test_nothing_differs_where_the_template_shows_nothing(pairs) -> None:
    image, template = pairs[0]
    moved = fit(image, shifted(template, 0, 12))
    assert moved is not template
    assert np.array_equal(moved[-11:], image[-11:])


def test_another_board_is_left_alone(pairs) -> None:
    for n, (image, _) in enumerate(pairs):
        other = pairs[(n + 1) % len(pairs)][1]
        assert fit(image, other) is other


def test_a_move_of_more_than_a_twentieth_is_not_believed(pairs) -> None:
    image, template = pairs[0]
    away = shifted(template, 40, 0)
    assert fit(image, away) is away


def test_a_move_that_fits_worse_is_not_made(pairs) -> None:
    image, template = pairs[0]
    claimed = type(find_shift(image, template))(9.0, 9.0, 1.0)
    assert move(image, template, claimed) is template


@pytest.mark.parametrize("value", [0, 255])
def test_a_blank_picture_is_left_alone(pairs, value) -> None:
    blank = np.full_like(pairs[0][0], value)
    assert find_shift(blank, blank).response == 0
    assert fit(pairs[0][0], blank) is blank


@pytest.mark.parametrize("size", [(320, 320), (1280, 1280), (637, 640)])
def test_another_size_of_the_same_shape_is_scaled(pairs, size) -> None:
    image, template = pairs[0]
    other = cv2.resize(template, size, interpolation=cv2.INTER_AREA)
    fitted = fit(image, other)
    assert fitted.shape == image.shape
    assert difference(fitted, template) < 25


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (640, 630)])
def test_another_shape_is_refused_with_both_sizes(pairs, size) -> None:
    other = np.zeros((size[1], size[0], 3), np.uint8)
    with pytest.raises(TemplateError, match=f"{size[0]} x {size[1]} .* 640 x 640"):
        resize(pairs[0][0], other)


@pytest.mark.parametrize("size", [(1, 1), (1, 640), (2, 3)])
def test_a_picture_of_hardly_a_pixel_is_no_trouble(size) -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (*size, 3), np.uint8)
    assert fit(image, image) is image


def test_a_large_photo_is_registered_as_well() -> None:
    drawn = draw_product_photo(3, [], np.random.default_rng(1))
    image = cv2.resize(drawn.image, (2600, 2600))
    template = cv2.resize(drawn.template_image, (2600, 2600))
    before = find_shift(image, template)
    found = find_shift(image, shifted(template, 60, -35))
    assert found.right + 60 == pytest.approx(before.right, abs=2)
    assert found.down - 35 == pytest.approx(before.down, abs=2)
