"""Which prediction answers for which box, and what a step pays for."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

import pytest
import torch

from inference_worker.training.assign import Assignment, assign
from inference_worker.training.boxes import Targets, iou
from inference_worker.training.losses import detection_loss, generalised_iou
from inference_worker.training.network import QualityNet


def drawn(*boxes: tuple[float, ...], labels: list[int]) -> Targets:
    known = torch.ones(1, max(labels) + 1, dtype=torch.bool)
    return Targets(torch.tensor([boxes]), torch.tensor([labels]), known)


def fresh_predictions(size: int, classes: int) -> tuple[torch.Tensor, ...]:
    """Scores (1, A, classes), boxes and points of a network that has learnt nothing."""
    with torch.inference_mode():
        logits, boxes, points = (
            QualityNet(classes).eval().raw(torch.rand(1, 3, size, size))
        )
    return logits.sigmoid(), boxes, points


def test_each_box_gets_predictions_of_its_own_and_padding_none() -> None:
    points = torch.tensor([[4.0, 4, 8], [12.0, 4, 8], [36.0, 36, 8]]).repeat(4, 1)
    boxes = torch.tensor([[0.0, 0, 9, 9], [1.0, 0, 30, 9], [30.0, 30, 41, 42]])
    boxes = boxes.repeat(4, 1)[None]
    truth = drawn((0, 0, 10, 10), (30, 30, 42, 42), (0, 0, 40, 40), labels=[1, 0, -1])
    found = assign(torch.full((1, 12, 2), 0.5), boxes, points, truth)
    assert found.scores[0, 0].argmax() == 1
    assert found.weights[0, 0] == pytest.approx(0.81, abs=0.01)
    assert found.weights[0, 1] == 0
    assert found.scores[0, 1].sum() == 0
    assert found.scores[0, 2].argmax() == 0
    assert torch.equal(found.boxes[0, 2], truth.boxes[0, 1])


def test_a_prediction_that_two_boxes_want_goes_to_the_nearer_fit() -> None:
    points = torch.tensor([[10.0, 10, 8]]).repeat(10, 1)
    boxes = torch.tensor([0.0, 0, 20, 20]).repeat(1, 10, 1)
    truth = drawn((0, 0, 21, 21), (4, 4, 20, 20), labels=[0, 1])
    found = assign(torch.full((1, 10, 2), 0.5), boxes, points, truth)
    assert (found.scores[0, :, 0] > 0).all()
    assert (found.scores[0, :, 1] == 0).all()


@pytest.mark.parametrize("side", [1.0, 2.0, 3.0, 6.0])
@pytest.mark.parametrize("at", [(16.0, 16.0), (20.0, 20.0), (33.1, 47.9), (7.9, 24.1)])
def test_a_box_smaller_than_a_cell_still_gets_one(
    side: float, at: tuple[float, float]
) -> None:
    scores, boxes, points = fresh_predictions(64, 2)
    x, y = at
    half = side / 2
    truth = drawn((x - half, y - half, x + half, y + half), labels=[1])
    found = assign(scores, boxes, points, truth)
    assert (found.weights > 0).any()
    best = found.weights[0].argmax()
    assert found.scores[0, best].argmax() == 1
    assert (points[best, :2] - torch.tensor(at)).abs().max() < 5


@pytest.mark.parametrize("side", [2.0, 4.0, 8.0, 30.0])
def test_the_best_prediction_of_a_box_is_asked_for_its_overlap(side: float) -> None:
    scores, boxes, points = fresh_predictions(64, 2)
    truth = drawn((20, 20, 20 + side, 20 + side), labels=[0])
    found = assign(scores, boxes, points, truth)
    answering = found.weights[0] > 0
    overlap = iou(truth.boxes[0, 0], boxes[0][answering]).max()
    assert found.weights.max() == pytest.approx(overlap.item(), rel=0.01)


def test_generalised_overlap_tells_how_far_apart() -> None:
    one = torch.tensor([[0.0, 0, 10, 10]])
    assert generalised_iou(one, one).item() == pytest.approx(1.0, abs=1e-5)
    near, far = generalised_iou(one, one + 12).item(), generalised_iou(one, one + 90)
    assert -1 < far.item() < near < 0


def answers(scores: torch.Tensor) -> Assignment:
    boxes = torch.tensor([0.0, 0, 8, 8]).repeat(*scores.shape[:2], 1)
    return Assignment(scores, boxes, scores.amax(2))


def test_a_class_that_nobody_looked_for_costs_nothing() -> None:
    known = torch.tensor([[True, False]])
    target = answers(torch.zeros(1, 4, 2))
    logits = torch.zeros(1, 4, 2, requires_grad=True)
    detection_loss(logits, target.boxes, target, known).backward()
    assert (logits.grad[..., 0] > 0).all()
    assert (logits.grad[..., 1] == 0).all()


def test_but_it_costs_where_a_box_of_another_class_is() -> None:
    known = torch.tensor([[True, False]])
    scores = torch.zeros(1, 4, 2)
    scores[0, 2, 0] = 0.9
    logits = torch.zeros(1, 4, 2, requires_grad=True)
    target = answers(scores)
    detection_loss(logits, target.boxes, target, known).backward()
    assert (logits.grad[0, :, 1] > 0).tolist() == [False, False, True, False]
    assert logits.grad[0, 2, 0] < 0


def test_the_loss_falls_as_scores_and_boxes_come_right() -> None:
    scores = torch.zeros(1, 4, 2)
    scores[0, 0, 1] = 1.0
    target, known = answers(scores), torch.ones(1, 2, dtype=torch.bool)
    right = scores * 20 - 10
    off = target.boxes + 3
    best = detection_loss(right, target.boxes, target, known)
    assert best < 0.01
    assert detection_loss(right, off, target, known) > best + 0.5
    assert detection_loss(-right, target.boxes, target, known) > best + 5


def test_boxes_that_answer_for_nothing_cost_nothing() -> None:
    scores = torch.zeros(1, 4, 2)
    scores[0, 0, 1] = 0.7
    target, known = answers(scores), torch.ones(1, 2, dtype=torch.bool)
    boxes = target.boxes + torch.tensor([[[0.0], [50.0], [60.0], [70.0]]])
    boxes.requires_grad_()
    detection_loss(torch.zeros(1, 4, 2), boxes, target, known).backward()
    assert (boxes.grad[0, 1:] == 0).all()
