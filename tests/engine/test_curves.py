"""The figures of a report, against cases that anyone can count."""

from __future__ import annotations

import numpy as np
import pytest

from inference_worker.engine.curves import (
    THRESHOLDS,
    confusion,
    f_of_thresholds,
    precision_recall,
    scores_of_hits,
    verdict,
    worst,
)
from inference_worker.engine.metrics import evaluate_detections, match
from inference_worker.engine.types import Detections
from tests.engine.test_metrics import FAR, FARTHER, SQUARE, sample

NAMES = ["a", "b", "c", "d"]
LARGE = [300, 300, 400, 400]


def test_precision_and_recall_go_by_score() -> None:
    truth = [Detections.truth([SQUARE, FAR], [0, 0])]
    found = [Detections.of([FAR, LARGE, SQUARE], [0.5, 0.8, 0.9], [0, 0, 0])]
    curve = precision_recall(match(truth, found, ["a"])[0], 0.5)
    assert curve.score == pytest.approx([0.9, 0.8, 0.5])
    assert curve.precision == pytest.approx([1, 1 / 2, 2 / 3])
    assert curve.recall == pytest.approx([1 / 2, 1 / 2, 1])


def test_the_curve_of_nothing_is_empty() -> None:
    (one,) = match([Detections.truth([SQUARE], [0])], [Detections.empty()], ["a"])
    assert len(precision_recall(one, 0.33).recall) == 0


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    n = 5000
    found = [Detections.of([LARGE] * 100, np.linspace(0.9, 0.1, 100), [0] * 100)]
    truth = [Detections.truth([SQUARE], [0])]
    (one,) = match(truth * (n // 100), found * (n // 100), ["a"])
    curve = precision_recall(one, 0.5)
    assert len(curve.score) <= 300
    assert (curve.score[0], curve.score[-1]) == pytest.approx((0.9, 0.1))


@pytest.mark.parametrize("seed", range(4))
def test_f_at_each_threshold_is_the_f_of_the_metrics(seed: int) -> None:
    truth, found = sample(seed)
    curve = f_of_thresholds(match(truth, found, NAMES))
    for i in (4, 29, 49, 89):
        at = float(THRESHOLDS[i])
        assert curve[i] == pytest.approx(evaluate_detections(truth, found, NAMES, at).f)


@pytest.mark.parametrize("seed", range(4))
def test_the_diagonal_of_the_confusions_is_what_f_counts_as_hits(seed: int) -> None:
    truth, found = sample(seed)
    counts = confusion(
        [verdict(*pair, 0.45) for pair in zip(truth, found, strict=True)], 4
    )
    metrics = evaluate_detections(truth, found, NAMES, 0.45)
    for i, one in enumerate(metrics.per_class.values()):
        assert counts[i].sum() == one.instances
        assert counts[i, i] / one.instances == pytest.approx(one.recall)
        assert counts[i, i] / counts[:, i].sum() == pytest.approx(one.precision)


def test_a_wrong_name_a_stray_and_a_miss_go_where_they_belong() -> None:
    truth = Detections.truth([SQUARE, FAR, FARTHER], [0, 1, 0])
    found = Detections.of(
        [SQUARE, FAR, LARGE, FARTHER], [0.9, 0.8, 0.7, 0.1], [0, 0, 1, 0]
    )
    one = verdict(truth, found, 0.5)
    assert confusion([one], 2).tolist() == [[1, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert one.hits.tolist() == [True, False, False]
    assert one.missed.tolist() == [1, 2]


def test_the_right_name_wins_a_box_over_a_better_scored_wrong_one() -> None:
    truth = Detections.truth([SQUARE], [1])
    found = Detections.of([SQUARE, SQUARE], [0.9, 0.6], [0, 1])
    one = verdict(truth, found, 0.5)
    assert one.hits.tolist() == [False, True]
    assert confusion([one], 2).tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0]]


def test_an_image_without_any_box_confuses_nothing() -> None:
    one = verdict(Detections.empty(), Detections.empty(), 0.5)
    assert not confusion([one], 2).any()
    assert worst([one], 5) == []


def test_scores_are_told_apart_by_what_they_hit() -> None:
    truth = [Detections.truth([SQUARE], [0])]
    found = [Detections.of([SQUARE, LARGE], [0.75, 0.5], [0, 0])]
    hits, alarms = scores_of_hits(match(truth, found, ["a"]))
    assert (hits.tolist(), alarms.tolist()) == ([0.75], [0.5])


def test_the_worst_image_is_the_one_that_missed_the_most() -> None:
    stray = Detections.of([FAR], [0.6], [0])
    cases = [
        (Detections.truth([SQUARE], [0]), Detections.of([SQUARE], [0.9], [0])),
        (Detections.truth([SQUARE], [0]), Detections.empty()),
        (Detections.truth([LARGE], [0]), Detections.empty()),
        (Detections.empty(), stray),
        (Detections.truth([LARGE], [0]), stray),
    ]
    verdicts = [verdict(*case, 0.5) for case in cases]
    assert worst(verdicts, 9) == [4, 2, 3, 1]
    assert worst(verdicts, 2) == [4, 2]
