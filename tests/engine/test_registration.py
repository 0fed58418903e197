"""A template is brought onto its photo, or left alone where that is not clear."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inference_worker.engine.errors import TemplateError
from inference_worker.engine.registration import find_shift, fit, likeness, move, resize
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


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_another_board_is_refused(pairs, turn) -> None:
    for n, (image, own) in enumerate(pairs):
        other = np.rot90(own, turn) if turn else pairs[(n + 1) % len(pairs)][1]
        with pytest.raises(TemplateError, match="does not show this board"):
            fit(image, np.ascontiguousarray(other))


def test_own_pairs_are_alike_and_others_are_not(pairs) -> None:
    for n, (image, own) in enumerate(pairs):
        assert likeness(image, own) > 0.7
        assert likeness(image, shifted(own, 16, -16)) > 0.7
        assert likeness(image, pairs[(n + 1) % len(pairs)][1]) < 0.4


def test_light_does_not_make_another_board(pairs) -> None:
    image, template = pairs[0]
    dim = (template // 3 + 20).astype(np.uint8)
    assert likeness(image, dim) == pytest.approx(likeness(image, template), abs=0.02)


def test_the_products_of_the_demo_know_their_own_template() -> None:
    drawn = [draw_product_photo(n, [], np.random.default_rng(n)) for n in range(4)]
    for n, one in enumerate(drawn):
        assert likeness(one.image, one.template_image) > 0.7
        assert likeness(one.image, drawn[n - 1].template_image) < 0.4


def test_structure_at_the_edge_alone_is_recognised() -> None:
    image = np.full((640, 640, 3), 200, np.uint8)
    image[:, :20] = 30
    spoilt = image.copy()
    spoilt[300:320, 300:320] = 30
    assert likeness(spoilt, image) > 0.7
    assert likeness(spoilt, np.ascontiguousarray(image[:, ::-1])) < 0.4


def test_a_move_of_more_than_a_twentieth_is_not_believed(pairs) -> None:
    image, template = pairs[0]
    away = shifted(template, 40, 0)
    assert move(image, away, find_shift(image, away)) is away


def test_a_move_that_fits_worse_is_not_made(pairs) -> None:
    image, template = pairs[0]
    claimed = type(find_shift(image, template))(9.0, 9.0, 1.0)
    assert move(image, template, claimed) is template


@pytest.mark.parametrize("value", [0, 255])
def test_a_blank_picture_shows_no_board(pairs, value) -> None:
    blank = np.full_like(pairs[0][0], value)
    assert find_shift(blank, blank).response == 0
    assert fit(blank, blank) is blank
    for image, template in [(pairs[0][0], blank), (blank, pairs[0][1])]:
        with pytest.raises(TemplateError, match="likeness 0.00"):
            fit(image, template)


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


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (319, 319)])
def test_a_template_enlarged_by_more_than_two_is_refused(pairs, size) -> None:
    image, template = pairs[0]
    with pytest.raises(TemplateError, match="640 x 640: too small"):
        fit(image, cv2.resize(template, size))


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
