"""Boards with a seventh class: folders that training reads, scratches in boxes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.detector.scratch import LENGTHS, SCRATCH, scratched
from benchmarks.detector.seventh import (
    GOLDEN,
    NEW,
    NEW_TEST,
    PARTS,
    REPLAY,
    SEVEN,
    draw_new,
    write_folders,
)
from inference_worker.training.datasets import read_folder
from traceability.demo.boards import CLASSES, draw_sample
from traceability.demo.boards.habits import MARGIN
from traceability.demo.boards.model import Image

OTHERS = {NEW_TEST: 2, GOLDEN: 2, REPLAY: 2}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seventh")
    write_folders(folder, 4, seed=3, others=OTHERS, workers=2)
    return folder


def two_materials(copper: int, laminate: int) -> Image:
    """Stripes of 20 pixels."""
    stripes = np.full((300, 300, 3), laminate, np.uint8)
    for left in range(0, 300, 40):
        stripes[:, left : left + 20] = copper
    return stripes


@pytest.mark.parametrize("part", PARTS)
def test_training_reads_every_part_and_finds_no_fault(drawn: Path, part: str) -> None:
    listing = read_folder(drawn / part, classes=CLASSES)
    assert len(listing.samples) == {NEW: 4, **OTHERS}[part]
    assert {remark.code for remark in listing.remarks} <= {"rare_class", "no_boxes"}
    assert listing.classes == (SEVEN if part in (NEW, NEW_TEST) else CLASSES)


def test_every_new_image_has_one_to_three_scratches_and_no_old_one_has(
    drawn: Path,
) -> None:
    for part in PARTS:
        for sample in read_folder(drawn / part, classes=SEVEN).samples:
            scratches = np.count_nonzero(sample.class_ids == SEVEN.index(SCRATCH))
            few = range(1, 4) if part in (NEW, NEW_TEST) else range(1)
            assert scratches in few


def test_no_two_parts_share_a_picture(drawn: Path) -> None:
    pictures = [path.read_bytes() for path in drawn.rglob("*.png")]
    assert len(set(pictures)) == len(pictures) == 4 + sum(OTHERS.values())


def test_the_same_seed_writes_the_same_folder(drawn: Path, tmp_path: Path) -> None:
    write_folders(tmp_path, 4, seed=3, others={}, workers=1)
    for path in (tmp_path / NEW).rglob("*.*"):
        assert path.read_bytes() == (drawn / path.relative_to(tmp_path)).read_bytes()


def test_only_new_draws_nothing_but_scratches() -> None:
    for seed in range(4):
        _, boxes = draw_new(np.random.default_rng(seed), only_new=True)
        assert {box.category for box in boxes} == {SCRATCH}


@pytest.mark.parametrize(
    ("copper", "laminate", "two_levels"),
    [(0, 255, True), (60, 200, False), (140, 70, False)],
    ids=["scanner", "grey", "bright copper"],
)
def test_pixels_change_on_both_materials_and_inside_the_boxes_only(
    copper: int, laminate: int, two_levels: bool
) -> None:
    photo = two_materials(copper, laminate)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        marked, boxes = scratched(photo, 2, [], rng, two_levels=two_levels)
        changed = np.abs(marked.astype(int) - photo).max(2) > 10
        outside = changed.copy()
        for box in boxes:
            x, y = round(box.x), round(box.y)
            window = np.s_[y : y + round(box.height), x : x + round(box.width)]
            assert changed[window][photo[..., 0][window] == copper].any()
            assert changed[window][photo[..., 0][window] == laminate].any()
            outside[window] = False
        assert boxes
        assert not outside.any()


def test_a_box_is_as_long_as_its_scratch_and_a_margin() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        _, boxes = scratched(two_materials(0, 255), 1, [], rng, two_levels=True)
        for box in boxes:
            inner = np.hypot(box.width - 2 * MARGIN, box.height - 2 * MARGIN)
            assert LENGTHS[0] - 6 < inner < LENGTHS[1] + 25


def test_a_scratch_of_the_scanner_neither_cuts_a_track_nor_joins_two() -> None:
    photo = two_materials(0, 255)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        marked, _ = scratched(photo, 2, [], rng, two_levels=True)
        for dark in (True, False):
            assert large_pieces(marked, dark) == large_pieces(photo, dark)


def large_pieces(photo: Image, dark: bool) -> int:
    """Connected pieces larger than a dot."""
    mask = ((photo[..., 0] < 128) == dark).astype(np.uint8)
    areas = cv2.connectedComponentsWithStats(mask, connectivity=4)[2][1:, 4]
    return int((areas > 200).sum())


def test_scratches_keep_off_other_defects() -> None:
    sample = draw_sample(np.random.default_rng(5))
    rng = np.random.default_rng(6)
    marked, _ = scratched(sample.image, 3, sample.boxes, rng, two_levels=False)
    for box in sample.boxes:
        x, y = int(box.x) + 4, int(box.y) + 4
        inner = np.s_[y : y + int(box.height) - 8, x : x + int(box.width) - 8]
        assert (marked[inner] == sample.image[inner]).all()


def test_annotations_are_whole_numbers_of_what_was_drawn(drawn: Path) -> None:
    content = json.loads((drawn / NEW / "annotations.json").read_text())
    names = [one["name"] for one in content["categories"]]
    assert names == list(SEVEN)
    assert {one["image_id"] for one in content["annotations"]} == {1, 2, 3, 4}
