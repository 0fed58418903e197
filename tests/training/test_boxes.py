"""Padded boxes: what overlaps, what is cut, what finds room."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

import pytest
import torch

from inference_worker.training.boxes import Targets, area, cut_to_windows, iou, shared

KNOWN = torch.ones(1, 3, dtype=torch.bool)


def targets(*boxes: tuple[float, ...], labels: list[int] | None = None) -> Targets:
    kinds = list(range(len(boxes))) if labels is None else labels
    return Targets(torch.tensor([boxes]), torch.tensor([kinds]), KNOWN)


def test_overlap_knows_equal_nested_touching_and_apart() -> None:
    one = torch.tensor([0.0, 0, 10, 10])
    inner, beside, away = (
        torch.tensor(box)
        for box in ([2.0, 2, 7, 7], [10.0, 0, 20, 10], [30.0, 30, 31, 31])
    )
    assert iou(one, one) == pytest.approx(1.0)
    assert iou(one, inner) == pytest.approx(0.25)
    assert shared(one, inner) == area(inner) == 25
    assert iou(one, beside) == iou(one, away) == 0


def test_crowding_counts_what_is_shared_with_others_and_no_padding() -> None:
    crowd = targets(
        (0, 0, 10, 10), (5, 5, 15, 15), (40, 40, 50, 50), (0, 0, 50, 50),
        labels=[0, 1, 2, -1],
    )  # fmt: skip
    assert crowd.crowding().tolist()[0][:3] == [25, 25, 0]


def test_room_is_kept_for_boxes_before_padding() -> None:
    padded = targets((0, 0, 1, 1), (2, 2, 3, 3), (4, 4, 5, 5), labels=[-1, 7, 8])
    fewer = padded.room_for(2)
    assert fewer.labels.tolist() == [[7, 8]]
    assert fewer.boxes.tolist() == [[[2, 2, 3, 3], [4, 4, 5, 5]]]


def test_joined_parts_know_what_all_of_them_know() -> None:
    first = Targets(torch.zeros(1, 2, 4), torch.tensor([[4, -1]]), KNOWN)
    partly = torch.tensor([[True, False, True]])
    second = Targets(torch.ones(1, 2, 4), torch.tensor([[-1, 5]]), partly)
    both = Targets.joined([first, second])
    assert both.labels.tolist() == [[4, 5]]
    assert both.boxes[0, 1].tolist() == [1, 1, 1, 1]
    assert torch.equal(both.known, partly)


def test_boxes_are_cut_to_their_window_and_dropped_when_little_is_left() -> None:
    windows = torch.tensor([[0.0, 0, 20, 20]])
    cut = cut_to_windows(
        targets((10, 10, 22, 20), (18, 0, 30, 10), (40, 40, 50, 50)), windows, 0.45
    )
    assert cut.labels.tolist() == [[0, -1, -1]]
    assert cut.boxes[0, 0].tolist() == [10, 10, 20, 20]


def test_taking_keeps_boxes_labels_and_what_was_looked_for_together() -> None:
    three = Targets(
        torch.arange(12.0).reshape(3, 1, 4),
        torch.tensor([[0], [1], [2]]),
        torch.eye(3, dtype=torch.bool),
    )
    some = three.take(torch.tensor([2, 0]))
    assert some.labels.tolist() == [[2], [0]]
    assert some.boxes[0, 0, 0] == 8
    assert some.known.tolist() == [[False, False, True], [True, False, False]]
    gone = three.without(torch.tensor([[True], [False], [True]]))
    assert gone.labels.tolist() == [[-1], [1], [-1]]
