"""A running average of the weights, steadier than the weights themselves."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from inference_worker.training.network import QualityNet

_MEMORY = 1 / 15  # of a training's steps is what the average remembers
_BOUNDS = (20, 1000)  # steps


class Average:
    """The average so far, as a network of its own."""

    def __init__(self, network: QualityNet, steps: int) -> None:
        """For a training of so many steps."""
        self.network = copy.deepcopy(network).eval()
        self.steps = 0
        self._memory = min(max(steps * _MEMORY, _BOUNDS[0]), _BOUNDS[1])

    def share(self) -> float:
        """How far the next update moves: by much at first, by less and less later."""
        self.steps += 1
        return 1 / min(self._memory, 1 + self.steps / 5)

    def move(self, network: QualityNet, share: Tensor) -> None:
        """Towards the network, by a share () that lies on its device."""
        mine, theirs = _floats(self.network), _floats(network)
        with torch.no_grad():
            apart = torch._foreach_sub(theirs, mine)
            torch._foreach_mul_(apart, share)
            torch._foreach_add_(mine, apart)


def _floats(network: QualityNet) -> list[Tensor]:
    """Weights and running statistics, in a fixed order."""
    values = [*network.parameters(), *network.buffers()]
    return [v.data for v in values if v.dtype.is_floating_point]
