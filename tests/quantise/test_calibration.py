"""Which images measure the ranges, and what is said of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from inference_worker.engine.coco import Sample
from inference_worker.engine.types import Detections
from inference_worker.quantise.calibration import FEW, NORMAL, halved, skew, stratified

CLASSES = ("open", "short", "spur")


def sample(*labels: int) -> Sample:
    boxes = [[0, 0, 5, 5]] * len(labels)
    return Sample(Path("x.png"), Path("t.png"), Detections.truth(boxes, labels))


MIXED = [sample(0)] * 300 + [sample(1, 1)] * 20 + [sample(2)] * 9 + [sample()] * 60
"""Many of one class, few of another."""


def stratum(one: Sample) -> int:
    return int(one.truth.class_ids[0]) if len(one.truth) else NORMAL


def test_every_class_and_normal_images_come_alike_often() -> None:
    chosen = stratified(MIXED, 36, seed=3)
    assert len(set(chosen)) == 36
    assert Counter(stratum(MIXED[i]) for i in chosen) == {0: 9, 1: 9, 2: 9, NORMAL: 9}


def test_what_is_rare_is_taken_whole_and_the_rest_filled_up() -> None:
    chosen = stratified(MIXED, 100, seed=0)
    assert Counter(stratum(MIXED[i]) for i in chosen)[2] == 9
    assert len(set(chosen)) == 100
    assert len(stratified(MIXED, 1000, seed=0)) == len(MIXED)
    assert stratified([], 10, seed=0) == []


def test_the_same_seed_chooses_the_same() -> None:
    assert stratified(MIXED, 50, seed=1) == stratified(MIXED, 50, seed=1)
    assert stratified(MIXED, 50, seed=1) != stratified(MIXED, 50, seed=2)


def test_halves_share_no_image_and_show_each_class_alike() -> None:
    halves = halved(MIXED, seed=3)
    assert halves is not None
    assert sorted([*halves.choosing, *halves.judging]) == list(range(len(MIXED)))
    shown = [
        Counter(stratum(MIXED[i]) for i in half)
        for half in (halves.choosing, halves.judging)
    ]
    for kind in (0, 1, 2, NORMAL):
        assert abs(shown[0][kind] - shown[1][kind]) <= 1
    assert halves == halved(MIXED, seed=3)
    assert halves != halved(MIXED, seed=4)


def test_an_image_of_several_classes_counts_for_the_rarest() -> None:
    both = [*[sample(0)] * 190, *[sample(0, 1)] * 10]
    halves = halved(both, seed=0)
    assert halves is not None
    assert sum(i >= 190 for i in halves.judging) == 5


@pytest.mark.parametrize(
    "samples",
    [MIXED[: 2 * FEW - 1], [sample()] * 2 * FEW, [sample(1), *[sample()] * 2 * FEW]],
)
def test_too_few_images_or_boxes_are_not_parted(samples: list[Sample]) -> None:
    assert halved(samples, seed=0) is None


def test_images_of_everything_are_not_skewed() -> None:
    fair = [sample(0), sample(1), sample(2), sample()] * 30
    assert skew(fair, CLASSES) == []


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        ([sample(0), sample(1), sample(2), sample()] * 4, "only 16 images"),
        ([sample(0), sample(1), sample()] * 50, "no box of spur"),
        ([sample(0, 0, 0, 0), sample(1), sample(2), sample()] * 40, ""),
        ([sample(*[0] * 9), sample(1), sample(2), sample()] * 40, "82% of the boxes"),
        ([sample(0), sample(1), sample(2)] * 40, "no image without a defect"),
        ([sample(0)] * 120, "100% of the boxes are open"),
    ],
)
def test_what_is_missing_is_told(samples: list[Sample], told: str) -> None:
    found = skew(samples, CLASSES)
    assert any(told in one for one in found) if told else not found


def test_two_classes_may_be_skewed_as_well() -> None:
    samples = [*[sample(0, 0, 0)] * 60, *[sample(1)] * 30, *[sample()] * 30]
    (told,) = skew(samples, ("dent", "scratch"))
    assert told == "86% of the boxes are dent"
    assert not skew([*[sample(0)] * 60, *[sample(1)] * 40, sample()], ("a", "b"))


def test_one_class_alone_is_all_that_there_can_be() -> None:
    assert skew([*[sample(0)] * 90, *[sample()] * 30], ("dent",)) == []
