"""Average precision and F, against hand-made cases and against pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_worker.engine.metrics import evaluate_detections
from inference_worker.engine.types import Detections

SQUARE = [0, 0, 10, 10]
FAR = [100, 100, 110, 110]
FARTHER = [200, 200, 210, 210]


def sample(seed: int) -> tuple[list[Detections], list[Detections]]:
    """Twelve images, four classes, with ties, doubles, misses and strays."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(12):
        n = int(rng.integers(0, 9))
        corner = rng.uniform(0, 500, (n, 2))
        boxes = np.hstack([corner, corner + rng.uniform(12, 60, (n, 2))])
        ids = rng.integers(0, 4, n)
        truth.append(Detections.truth(boxes, ids))
        copies = rng.integers(0, 4, n)
        near = np.repeat(boxes, copies, axis=0)
        near += rng.normal(0, 1.5, near.shape)
        stray = rng.uniform(0, 500, (5, 2))
        strays = np.hstack([stray, stray + 30])
        labels = np.concatenate([np.repeat(ids, copies), rng.integers(0, 4, 5)])
        scores = np.round(rng.random(len(labels)), 1)
        found.append(Detections.of(np.vstack([near, strays]), scores, labels))
    return truth, found


# pycocotools 2.0.11 on the same samples (its own matching and accumulation, IoU
# thresholds 0.33 and 0.5:0.95); over 20 larger ones the two agreed within 1e-15.
PYCOCOTOOLS = {
    0: (0.429225189146, 0.429225189146, 0.328626448156),
    1: (0.444591509791, 0.444591509791, 0.309873100532),
    2: (0.391224857420, 0.391224857420, 0.295417371340),
    3: (0.395117990596, 0.395117990596, 0.284137914551),
}


@pytest.mark.parametrize("seed", PYCOCOTOOLS)
def test_agrees_with_pycocotools(seed: int) -> None:
    metrics = evaluate_detections(*sample(seed), ["a", "b", "c", "d"])
    assert (metrics.map33, metrics.map50, metrics.map5095) == pytest.approx(
        PYCOCOTOOLS[seed], abs=1e-9
    )


def test_the_truth_itself_is_perfect() -> None:
    truth, _ = sample(3)
    metrics = evaluate_detections(truth, truth, ["a", "b", "c", "d"])
    assert metrics.map33 == metrics.map5095 == metrics.f == 1.0


def test_one_of_two_found_has_half_the_recalls_and_two_thirds_f() -> None:
    truth = [Detections.truth([SQUARE, FAR], [0, 0])]
    found = [Detections.of([SQUARE], [0.9], [0])]
    metrics = evaluate_detections(truth, found, ["a"])
    # Recalls 0.00 to 0.50 are reached at precision 1: 51 of 101.
    assert metrics.map50 == pytest.approx(51 / 101)
    assert metrics.f == pytest.approx(2 / 3)


def test_a_stray_ranked_first_halves_the_precision() -> None:
    truth = [Detections.truth([SQUARE], [0])]
    found = [Detections.of([SQUARE, FAR], [0.6, 0.9], [0, 0])]
    assert evaluate_detections(truth, found, ["a"]).map50 == pytest.approx(0.5)


def test_a_second_box_on_the_same_defect_is_a_miss() -> None:
    truth = [Detections.truth([SQUARE, FAR], [0, 0])]
    found = [Detections.of([SQUARE, SQUARE, FAR], [0.9, 0.8, 0.7], [0, 0, 0])]
    metrics = evaluate_detections(truth, found, ["a"])
    assert metrics.map50 == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert metrics.f == pytest.approx(4 / 5)


def test_iou_decides_at_each_level() -> None:
    truth = [Detections.truth([[0, 0, 10, 10]], [0])]
    found = [Detections.of([[0, 0, 10, 4]], [0.9], [0])]
    metrics = evaluate_detections(truth, found, ["a"])
    assert (metrics.map33, metrics.map50) == (1.0, 0.0)


def test_the_right_place_with_the_wrong_class_counts_twice_against() -> None:
    truth = [Detections.truth([SQUARE], [0])]
    found = [Detections.of([SQUARE], [0.9], [1])]
    metrics = evaluate_detections(truth, found, ["a", "b"])
    assert metrics.f == 0.0
    assert metrics.per_class["a"].ap33 == 0.0
    assert metrics.per_class["b"].ap33 is None


def test_a_class_never_drawn_does_not_enter_the_mean() -> None:
    truth = [Detections.truth([SQUARE], [0])]
    metrics = evaluate_detections(truth, truth, ["a", "b"])
    assert metrics.map50 == 1.0
    assert metrics.per_class["b"].instances == 0


def test_f_looks_only_at_scores_above_the_threshold() -> None:
    truth = [Detections.truth([SQUARE], [0])]
    found = [Detections.of([SQUARE, FAR], [0.9, 0.4], [0, 0])]
    assert evaluate_detections(truth, found, ["a"], 0.5).f == 1.0
    assert evaluate_detections(truth, found, ["a"], 0.4).f == pytest.approx(2 / 3)
    assert evaluate_detections(truth, found, ["a"], 0.9).f == 1.0


def test_between_two_boxes_alike_the_later_is_taken_as_coco_does() -> None:
    truth = [Detections.truth([[0, 0, 10, 10], [10, 0, 20, 10]], [0, 0])]
    found = [Detections.of([[5, 0, 15, 10], SQUARE], [0.9, 0.8], [0, 0])]
    assert evaluate_detections(truth, found, ["a"]).map33 == 1.0


def test_only_the_hundred_best_of_an_image_count() -> None:
    truth = [Detections.truth([SQUARE], [0])]
    boxes = [FAR] * 100 + [SQUARE]
    found = [Detections.of(boxes, np.linspace(0.9, 0.1, 101), [0] * 101)]
    assert evaluate_detections(truth, found, ["a"]).map33 == 0.0


def test_images_without_anything_change_nothing() -> None:
    truth = [Detections.truth([SQUARE], [0]), Detections.empty()]
    metrics = evaluate_detections(truth, truth, ["a"])
    assert (metrics.map50, metrics.images) == (1.0, 2)


def test_nothing_drawn_is_not_a_number_rather_than_a_score() -> None:
    metrics = evaluate_detections([Detections.empty()], [Detections.empty()], ["a"])
    assert np.isnan(metrics.map33)


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        evaluate_detections([Detections.empty()], [], ["a"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_looser_matching_never_scores_lower(seed: int) -> None:
    metrics = evaluate_detections(*sample(seed), ["a", "b", "c", "d"])
    assert 0.0 <= metrics.map5095 <= metrics.map50 <= metrics.map33 <= 1.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_only_the_order_of_the_scores_matters_to_the_precision(seed: int) -> None:
    truth, found = sample(seed)
    squared = [Detections.of(d.boxes, d.scores**2, d.class_ids) for d in found]
    names = ["a", "b", "c", "d"]
    before = evaluate_detections(truth, found, names)
    after = evaluate_detections(truth, squared, names)
    assert (before.map33, before.map5095) == (after.map33, after.map5095)


def test_precision_and_recall_of_a_class_are_at_the_threshold() -> None:
    truth = [Detections.truth([SQUARE, FAR, FARTHER], [0, 0, 0])]
    found = [Detections.of([SQUARE, [50, 50, 60, 60], FAR], [0.9, 0.8, 0.3], [0] * 3)]
    one = evaluate_detections(truth, found, ["a"], 0.5).per_class["a"]
    assert (one.precision, one.recall) == pytest.approx((1 / 2, 1 / 3))


def test_f_is_of_what_a_line_sees_where_that_is_given() -> None:
    truth = [Detections.truth([SQUARE], [1])]
    every = [Detections.of([SQUARE, SQUARE], [0.9, 0.8], [0, 1])]
    seen = [Detections.of([SQUARE], [0.9], [0])]
    metrics = evaluate_detections(truth, every, ["a", "b"], 0.5, seen)
    assert (metrics.map33, metrics.f) == (1.0, 0.0)
    assert metrics.per_class["b"].recall == 0.0
