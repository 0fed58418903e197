"""Suppression: what it keeps, and that it always keeps the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_worker.engine.boxes import pairwise_iou
from inference_worker.engine.nms import nms
from inference_worker.engine.types import Detections


def crowd(seed: int, n: int) -> Detections:
    """n boxes so close together that most overlap, with many equal scores."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 40, (n, 2))
    boxes = np.hstack([corner, corner + rng.uniform(5, 40, (n, 2))])
    return Detections.of(boxes, np.round(rng.random(n), 1), rng.integers(0, 3, n))


def kept(found: Detections, iou: float) -> Detections:
    return found.take(nms(found.boxes, found.scores, found.class_ids, iou))


def test_the_better_of_two_on_one_spot_stays() -> None:
    boxes = [[0, 0, 10, 10], [1, 1, 11, 11]]
    found = Detections.of(boxes, [0.4, 0.8], [0, 0])
    assert list(nms(found.boxes, found.scores, found.class_ids, 0.5)) == [1]


def test_another_class_on_the_same_spot_stays() -> None:
    found = Detections.of([[0, 0, 10, 10]] * 2, [0.4, 0.8], [0, 1])
    assert list(nms(found.boxes, found.scores, found.class_ids, 0.5)) == [1, 0]


def test_equal_scores_keep_the_order_given() -> None:
    n = 400
    apart = [[20 * i, 0, 20 * i + 10, 10] for i in range(n)]
    scores = np.random.default_rng(0).integers(1, 4, n) / 4
    found = Detections.of(apart, scores, [0] * n)
    kept = nms(found.boxes, found.scores, found.class_ids, 0.5)
    assert list(kept) == sorted(range(n), key=lambda i: -scores[i])


def test_an_overlap_of_just_the_limit_stays() -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 5]]
    found = Detections.of(boxes, [0.9, 0.8], [0, 0])
    assert len(nms(found.boxes, found.scores, found.class_ids, 0.5)) == 2


def test_nothing_in_nothing_out() -> None:
    none = Detections.empty()
    assert len(nms(none.boxes, none.scores, none.class_ids, 0.5)) == 0


def test_boxes_without_area_overlap_nothing() -> None:
    flat = np.array([[5, 5, 5, 5], [5, 5, 5, 5], [9, 9, 1, 1]], np.float32)
    assert not pairwise_iou(flat, flat).any()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60), st.floats(0.1, 0.9))
def test_what_stays_is_sorted_apart_and_covers_what_went(
    seed: int, n: int, iou: float
) -> None:
    found = crowd(seed, n)
    stayed = kept(found, iou)
    same = stayed.class_ids[:, None] == stayed.class_ids
    apart = pairwise_iou(stayed.boxes, stayed.boxes) * same
    assert (apart[~np.eye(len(stayed), dtype=bool)] <= iou).all()
    assert (np.diff(stayed.scores) <= 0).all()
    covered = pairwise_iou(found.boxes, stayed.boxes) > iou
    covered &= found.class_ids[:, None] == stayed.class_ids
    covered &= stayed.scores >= found.scores[:, None]
    is_kept = (found.boxes[:, None] == stayed.boxes).all(axis=2).any(axis=1)
    assert (covered.any(axis=1) | is_kept).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_doing_it_twice_changes_nothing(seed: int, n: int) -> None:
    once = kept(crowd(seed, n), 0.5)
    assert np.array_equal(kept(once, 0.5).boxes, once.boxes)
