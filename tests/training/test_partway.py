"""Between a live model and what it became."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

import pytest
import torch

from inference_worker.training.network import QualityNet
from inference_worker.training.partway import SHARES, kept_partway

OLD = 2
"""Classes that the live model knew; the network has one more."""


def ends() -> tuple[dict[str, torch.Tensor], QualityNet]:
    """Weights of zeros, and a network of ones."""
    network = QualityNet(OLD + 1, 3)
    begin = {name: torch.zeros_like(one) for name, one in network.state_dict().items()}
    with torch.no_grad():
        for one in network.state_dict().values():
            one.fill_(1)
    return begin, network


def way_of(network: QualityNet) -> float:
    """How far a network between the two has come, by a layer in its middle."""
    (value,) = next(network.parameters()).detach().unique()
    return float(value)


def test_all_of_the_way_where_nothing_is_forgotten() -> None:
    begin, network = ends()
    kept, share = kept_partway(begin, network, OLD, 0.004, way_of, lambda _: 0.9)
    assert share == 1
    assert way_of(kept) == 1


def test_no_further_than_the_golden_set_allows() -> None:
    begin, network = ends()

    def golden(one: QualityNet) -> float:
        return 0.99 - 0.005 * way_of(one)

    kept, share = kept_partway(begin, network, OLD, 0.0041, way_of, golden)
    assert share == 0.8
    assert way_of(kept) == pytest.approx(0.8)


def test_where_it_falls_least_if_it_falls_too_far_everywhere() -> None:
    begin, network = ends()
    _, share = kept_partway(
        begin, network, OLD, 0.004, way_of, lambda one: -way_of(one)
    )
    assert share == min(SHARES)


def test_the_best_on_what_is_new_though_more_would_be_allowed() -> None:
    begin, network = ends()

    def new(one: QualityNet) -> float:
        return 1 - abs(way_of(one) - 0.85)

    _, share = kept_partway(begin, network, OLD, 0.004, new, lambda _: 0.9)
    assert share == 0.85


def test_rows_of_new_classes_stay_as_learnt() -> None:
    begin, network = ends()
    kept, share = kept_partway(
        begin, network, OLD, 0.004, lambda one: -way_of(one), lambda _: 0.9
    )
    rows = dict(kept.named_parameters())["heads.0.classify.2.bias"]
    assert rows.tolist() == pytest.approx([share] * OLD + [1.0])
    statistics = dict(kept.named_buffers())
    assert all(one.dtype.is_floating_point or one == 1 for one in statistics.values())
