"""One step of training: vary, look, compare, correct; on a GPU as one CUDA graph."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import torch
from torch import Tensor

from inference_worker.training.assign import assign
from inference_worker.training.augment import Batch, vary
from inference_worker.training.boxes import Targets
from inference_worker.training.checkpoint import State
from inference_worker.training.losses import detection_loss
from inference_worker.training.network import QualityNet
from inference_worker.training.recipe import Recipe
from inference_worker.training.strength import Strength
from inference_worker.training.validate import network_input

log = logging.getLogger(__name__)

_DECAY = 0.03
_CLIP = 10.0
_WARM_UP = 3  # steps before a graph is recorded: libraries choose their kernels


def optimiser_for(network: QualityNet, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW; weight decay on weights only. On a GPU its rate is a tensor there, so
    that a recorded step reads it anew each time.
    """
    heavy = [p for p in network.parameters() if p.ndim > 1]
    light = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": heavy, "weight_decay": _DECAY},
        {"params": light, "weight_decay": 0.0},
    ]
    device = heavy[0].device
    if device.type != "cuda":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate)
    rate = torch.tensor(recipe.learning_rate, device=device)
    return torch.optim.AdamW(groups, lr=rate, fused=True, capturable=True)


@dataclass
class Stepper:
    """Makes steps; thousands of small kernels are launched as one recording.

    A network of this size keeps a GPU waiting for Python: on an H100 a step took 70 ms
    whether it held 16 images or 64. Recorded once for each strength and shape of
    batch; where recording fails, steps go on one kernel after the other.
    """

    state: State
    _recorded: _Recorded | None = field(default=None, init=False)
    _seen: int = field(default=0, init=False)
    _last: tuple[object, ...] = field(default=(), init=False)
    _able: bool = field(default=True, init=False)

    def step(self, batch: Batch, rate: float, strength: Strength) -> Tensor:
        """The loss (), on the device; `rate` is the learning rate of this step."""
        device = batch.images.device
        share = torch.tensor(self.state.average.share(), device=device)
        _set_rate(self.state.optimiser, rate)
        if device.type != "cuda" or not self._able:
            return _work(self.state, batch, share, strength)
        key = (strength, batch.images.shape, batch.targets.labels.shape)
        if key != self._last:
            self._recorded, self._seen, self._last = None, 0, key
        if self._recorded is not None:
            return self._recorded.replay(batch, share)
        self._seen += 1
        if self._seen <= _WARM_UP:
            return _aside(self.state, batch, share, strength)
        return self._record(batch, share, strength)

    def _record(self, batch: Batch, share: Tensor, strength: Strength) -> Tensor:
        try:
            self._recorded = _Recorded.of(self.state, batch, share, strength)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            log.warning("no CUDA graph, training is slower: %s", error)
            torch.cuda.synchronize()
            self._able = False
            return _work(self.state, batch, share, strength)
        return self._recorded.replay(batch, share)


@dataclass(frozen=True)
class _Recorded:
    """A step on tensors that stay where they are."""

    graph: torch.cuda.CUDAGraph
    batch: Batch
    share: Tensor
    loss: Tensor

    @classmethod
    def of(
        cls, state: State, batch: Batch, share: Tensor, strength: Strength
    ) -> _Recorded:
        batch, share = _copied(batch), share.clone()
        graph = torch.cuda.CUDAGraph()
        state.optimiser.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            loss = _work(state, batch, share, strength)
        return cls(graph, batch, share, loss)

    def replay(self, batch: Batch, share: Tensor) -> Tensor:
        for mine, given in zip(_tensors(self.batch), _tensors(batch), strict=True):
            mine.copy_(given)
        self.share.copy_(share)
        self.graph.replay()
        return self.loss.clone()


def _work(state: State, batch: Batch, share: Tensor, strength: Strength) -> Tensor:
    device = batch.images.device
    batch = vary(batch, strength)
    inputs = network_input(batch, state.network.channels)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        logits, boxes, points = state.network.raw(inputs)
    logits = logits.float()
    with torch.no_grad():
        target = assign(logits.sigmoid(), boxes, points, batch.targets)
    loss = detection_loss(logits, boxes, target, batch.targets.known)
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), _CLIP)
    state.optimiser.step()
    state.average.move(state.network, share)
    return loss.detach()


def _aside(state: State, batch: Batch, share: Tensor, strength: Strength) -> Tensor:
    """On another stream, as steps before a recording must be."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        loss = _work(state, batch, share, strength)
    torch.cuda.current_stream().wait_stream(stream)
    return loss


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def _tensors(batch: Batch) -> list[Tensor]:
    golden = [] if batch.templates is None else [batch.templates]
    targets = batch.targets
    return [batch.images, *golden, targets.boxes, targets.labels, targets.known]


def _copied(batch: Batch) -> Batch:
    golden, targets = batch.templates, batch.targets
    return Batch(
        batch.images.clone(),
        None if golden is None else golden.clone(),
        Targets(targets.boxes.clone(), targets.labels.clone(), targets.known.clone()),
    )
