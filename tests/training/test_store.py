"""Which pictures an epoch shows, and that sets which mix have batches of one shape."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

from collections import Counter

import numpy as np
import pytest
import torch

from inference_worker.engine.types import Detections
from inference_worker.training.augment import vary
from inference_worker.training.average import Average
from inference_worker.training.network import QualityNet
from inference_worker.training.pictures import Pictures
from inference_worker.training.store import Stored, batches, store, store_all
from inference_worker.training.strength import Strength

CPU = torch.device("cpu")
CLASSES = ("dent", "scratch", "stain")


def pictures(
    values: range, boxes: int = 1, known: tuple[str, ...] = CLASSES, planes: int = 3
) -> Pictures:
    """A picture for each value, every pixel of which is that value."""
    images = np.zeros((len(values), planes, 32, 32), np.uint8)
    images += np.array(values, np.uint8)[:, None, None, None]
    truth = [
        Detections.truth([[4 * k, 4, 4 * k + 4, 9] for k in range(boxes)], [1] * boxes)
        for _ in values
    ]
    return Pictures(images, None, truth, CLASSES, frozenset(known))


def shown(sets: list[Stored], size: int) -> list[list[int]]:
    """The values of each batch of an epoch."""
    return [
        (batch.images[:, 0, 0, 0] * 255).round().int().tolist()
        for batch in batches(sets, size, CPU)
    ]


def test_an_epoch_shows_every_picture_of_the_only_set_once() -> None:
    epoch = shown([store(pictures(range(24)), 1.0, CPU)], 8)
    assert [len(batch) for batch in epoch] == [8, 8, 8]
    assert sorted(sum(epoch, [])) == list(range(24))
    assert shown([store(pictures(range(24)), 1.0, CPU)], 8) != epoch


def test_shares_of_an_epoch_are_exact_and_no_picture_is_preferred() -> None:
    sets = store_all(
        [
            (pictures(range(20)), 0.5),
            (pictures(range(100, 104)), 0.2),
            (pictures(range(200, 250)), 0.3),
        ],
        CPU,
    )
    seen = Counter(sum(shown(sets, 8), []))
    assert sorted(value for value in seen if value < 100) == list(range(20))
    assert {seen[value] for value in range(20)} == {1}
    assert [seen[value] for value in range(100, 104)] == [2, 2, 2, 2]
    assert sum(seen[value] for value in range(200, 250)) == 12
    assert sum(seen.values()) == 40


def test_the_odd_rest_of_an_epoch_waits_for_another() -> None:
    epoch = shown([store(pictures(range(21)), 1.0, CPU)], 8)
    assert [len(batch) for batch in epoch] == [8, 8]
    assert len(set(sum(epoch, []))) == 16


def test_few_pictures_make_one_smaller_batch() -> None:
    epoch = shown([store(pictures(range(3)), 1.0, CPU)], 8)
    assert [sorted(batch) for batch in epoch] == [[0, 1, 2]]


def test_mixed_sets_have_batches_of_one_shape() -> None:
    """A step is recorded once for each shape."""
    sets = store_all(
        [(pictures(range(12), boxes=1), 0.5), (pictures(range(50, 62), boxes=5), 0.5)],
        CPU,
    )
    every = [*batches(sets, 3, CPU), *batches(sets, 3, CPU)]
    assert len({(one.images.shape, one.targets.labels.shape) for one in every}) == 1
    for batch in every:
        per_picture = (batch.targets.labels >= 0).sum(1)
        old = batch.images[:, 0, 0, 0] > 40 / 255
        assert per_picture.tolist() == [5 if one else 1 for one in old]


def test_a_class_that_nobody_looked_for_is_marked() -> None:
    stored = store(pictures(range(2), known=("dent", "stain")), 1.0, CPU)
    batch = stored.batch(torch.tensor([1]), CPU)
    assert batch.targets.known.tolist() == [[True, False, True]]


def test_pictures_come_as_numbers_from_0_to_1_with_their_templates() -> None:
    one = pictures(range(250, 256), planes=1)
    golden = Pictures(one.images, one.images // 2, one.truth, CLASSES, one.known)
    batch = store(golden, 1.0, CPU).batch(torch.tensor([5, 0]), CPU)
    assert batch.images.amax((1, 2, 3)).tolist() == pytest.approx([1.0, 250 / 255])
    assert batch.templates.amax((1, 2, 3)).tolist() == pytest.approx(
        [127 / 255, 125 / 255]
    )


def test_all_that_shows_in_a_mosaic_of_one_box_each_is_asked_for() -> None:
    """A defect that is there and not asked for would teach to overlook it."""
    corners = [(2, 2), (50, 2), (2, 50), (50, 50)] * 2
    images = np.zeros((len(corners), 1, 64, 64), np.uint8)
    truth = [Detections.truth([[x, y, x + 12, y + 12]], [0]) for x, y in corners]
    single = Pictures(images, None, truth, CLASSES, frozenset(CLASSES))
    (stored,) = store_all([(single, 1.0)], CPU)
    whole = stored.batch(torch.arange(len(corners)), CPU)
    strength = Strength(plain=1, turns=1, mirror=False, mosaic=1)
    asked = (vary(whole, strength).targets.labels >= 0).sum(1)
    assert asked[[0, 4]].tolist() == [4, 4]


def test_the_average_moves_most_at_first_and_less_and_less() -> None:
    network = QualityNet(1)
    average = Average(network, steps=3000)
    shares = [average.share() for _ in range(1200)]
    assert shares[0] > 0.8
    assert all(
        later <= earlier for earlier, later in zip(shares, shares[1:], strict=False)
    )
    assert shares[-1] == pytest.approx(1 / 200)


def test_the_average_moves_by_its_share_and_leaves_the_network_alone() -> None:
    network = QualityNet(1)
    average = Average(network, steps=100)
    weight = network.shallow[0].conv.weight
    before = weight.detach().clone()
    with torch.no_grad():
        weight.add_(1.0)
    average.move(network, torch.tensor(0.25))
    mine = average.network.shallow[0].conv.weight
    assert torch.allclose(mine, before + 0.25)
    assert torch.allclose(weight, before + 1.0)
