"""Defects planted on photos that somebody else took."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from traceability.demo.boards import (
    CLASSES,
    Planting,
    Style,
    draw_product_photo,
    draw_template,
    plant_on_photo,
    planted,
)
from traceability.demo.boards.looks import copper_mask
from traceability.demo.boards.model import Image, Mask, Sample

STILL = Planting(wander=(0.0, 0.0), fine=0.0, moved=0.0, light=0.0)


def board(seed: int = 0) -> Mask:
    style = Style(320, "mixed", 9.0, 12.0, 1.2, 0.0, 0.0, 0)
    return draw_template(np.random.default_rng(seed), style)


def scanned(mask: Mask, copper: int = 0, laminate: int = 255) -> Image:
    return np.where(mask, copper, laminate).astype(np.uint8)


def grey_photo(mask: Mask, copper: int, laminate: int) -> Image:
    soft = cv2.GaussianBlur(scanned(mask, copper, laminate), (0, 0), 0.8)
    grain = np.random.default_rng(1).normal(0, 3, soft.shape)
    return np.clip(soft + grain, 0, 255).astype(np.uint8)


def outside_boxes(sample: Sample) -> Mask:
    outside = np.ones(sample.image.shape[:2], bool)
    for box in sample.boxes:
        left, top = int(box.x), int(box.y)
        outside[top : top + int(box.height), left : left + int(box.width)] = False
    return outside


def test_a_scan_stays_black_and_white_and_changes_inside_its_boxes_only() -> None:
    sample = plant_on_photo(
        scanned(board()), np.random.default_rng(0), CLASSES * 2, STILL
    )
    assert len(sample.boxes) >= 8
    assert set(np.unique(sample.image)) == {0, 255}
    changed = (sample.image != sample.template_image).any(2)
    assert not (changed & outside_boxes(sample)).any()
    for box in sample.boxes:
        left, top = int(box.x), int(box.y)
        window = changed[top : top + int(box.height), left : left + int(box.width)]
        assert window.any()


@pytest.mark.parametrize("category", ["copper", "pin-hole"])
def test_grey_defects_look_like_the_material_around(category: str) -> None:
    photo = grey_photo(board(), 60, 190)
    sample = plant_on_photo(photo, np.random.default_rng(3), [category] * 3, STILL)
    assert sample.boxes
    for box in sample.boxes:
        x, y = int(box.x + box.width / 2), int(box.y + box.height / 2)
        window = sample.image[y - 6 : y + 7, x - 6 : x + 7, 0]
        seen = window.min() if category == "copper" else window.max()
        assert abs(int(seen) - (60 if category == "copper" else 190)) < 25


def test_scans_of_one_board_differ_along_the_edges_and_keep_their_boxes() -> None:
    mask = board()
    sample = plant_on_photo(scanned(mask), np.random.default_rng(0), CLASSES)
    changed = (sample.image != sample.template_image).any(2) & outside_boxes(sample)
    assert changed.sum() > 50
    deep = cv2.erode(mask.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    assert not (changed & deep).any()


def test_a_board_that_lies_off_takes_its_boxes_along() -> None:
    off = Planting(wander=(0.0, 0.0), fine=0.0, moved=1.0, shift=4)
    photo = scanned(board())
    pairs = [
        plant_on_photo(photo, np.random.default_rng(5), ["copper"] * 4, planting)
        for planting in (STILL, off)
    ]
    (still, moved), shifts = pairs, set()
    for before, after in zip(still.boxes, moved.boxes, strict=True):
        shifts.add((round(after.x - before.x), round(after.y - before.y)))
    (x, y) = shifts.pop()
    assert not shifts
    assert (x, y) != (0, 0)
    inner = np.s_[10:-10, 10:-10]
    rolled = np.roll(still.image, (y, x), (0, 1))
    assert np.array_equal(rolled[inner], moved.image[inner])


def test_copper_is_dark_in_scans_and_bright_under_solder_mask() -> None:
    mask = board()
    assert np.array_equal(copper_mask(np.dstack([scanned(mask)] * 3)), mask)
    negative = np.dstack([scanned(mask, 255, 0)] * 3)
    assert np.array_equal(copper_mask(negative, "bright"), mask)
    photo = draw_product_photo(1, [], np.random.default_rng(0)).template_image
    assert 0.1 < copper_mask(photo).mean() < 0.5


@pytest.mark.parametrize("photo", [np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9))])
def test_what_is_no_photo_is_refused(photo: Image) -> None:
    with pytest.raises(ValueError, match="a photo"):
        plant_on_photo(photo, np.random.default_rng(0))


def templates(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{i}.png" for i in range(count)]
    for i, path in enumerate(paths):
        cv2.imwrite(str(path), scanned(board(i)))
    return paths


def test_every_template_is_planted_on_alike_however_many_work(tmp_path: Path) -> None:
    paths = templates(tmp_path, 3)
    one, two = (list(planted(paths, 7, 1, workers=count)) for count in (1, 2))
    assert len(one) == len(two) == 7
    for first, second in zip(one, two, strict=True):
        assert np.array_equal(first.image, second.image)
        assert first.boxes == second.boxes
    seen = [sample.template_image.sum() for sample in one]
    assert sorted(seen.count(total) for total in set(seen)) == [2, 2, 3]


def test_templates_are_scaled_on_request(tmp_path: Path) -> None:
    (sample,) = planted(templates(tmp_path, 1), 1, 0, size=256)
    assert sample.image.shape == sample.template_image.shape == (256, 256, 3)
    assert set(np.unique(sample.image)) == {0, 255}


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"notes\.png is not a picture"):
        list(planted([tmp_path / "notes.png"], 1, 0))
    with pytest.raises(ValueError, match="no template"):
        list(planted([], 1, 0))
