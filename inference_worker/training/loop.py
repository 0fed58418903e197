"""Fit a network to stored pictures: steps, averaging, validation, early stop."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from inference_worker.training.checkpoint import Checkpoint, State
from inference_worker.training.errors import TrainingFailed
from inference_worker.training.network import QualityNet
from inference_worker.training.pictures import Pictures
from inference_worker.training.recipe import Recipe
from inference_worker.training.stepping import Stepper, optimiser_for
from inference_worker.training.store import Stored, batches, views_of
from inference_worker.training.strength import Strength
from inference_worker.training.validate import score

log = logging.getLogger(__name__)

Row = dict[str, float]

_WARM_UP = 200  # steps
_FINAL_RATE = 0.01
_CALM = 0.15  # share of the epochs, at the end, whose views stay close to the images
_VALIDATIONS = 12
_PATIENCE = 5  # validations without a better one


@dataclass(frozen=True)
class Course:
    """What a training runs on: the sets to learn from, the pictures held back."""

    sets: Sequence[Stored]
    held: Stored
    pictures: Pictures
    recipe: Recipe
    checkpoint: Checkpoint
    seconds: float = math.inf
    each: Callable[[Row], None] = lambda row: None

    @property
    def steps(self) -> int:
        """Of the whole training."""
        views = sum(views_of(self.sets))
        return self.recipe.epochs * max(1, views // self.recipe.batch)

    def progress(self, state: State) -> float:
        """0..1, by steps or by the time that is allowed, whichever is further."""
        return min(1.0, max(state.steps / self.steps, state.seconds / self.seconds))


def fit(network: QualityNet, course: Course) -> tuple[QualityNet, list[Row]]:
    """Train; the averaged network of the best validation and the history come back.

    History rows hold epoch, loss, rate and seconds, and on epochs that validated
    map33, map50 and map5095. Goes on from the checkpoint if there is one.
    """
    device = next(network.parameters()).device
    lay_out(network, device)
    state = State.fresh(network, optimiser_for(network, course.recipe), course.steps)
    course.checkpoint.restore(state)
    stepper = Stepper(state)
    clock = Clock(state)
    while course.progress(state) < 1:
        row = _epoch(state, course, stepper, clock)
        state.epoch += 1
        if _due(state.epoch, course.recipe.epochs) or course.progress(state) >= 1:
            row |= _validated(state, course)
            _hasten(state, course, row)
        state.history.append(row | {"seconds": round(state.seconds, 2)})
        course.each(state.history[-1])
        course.checkpoint.save_now_and_then(state)
    course.checkpoint.save(state)
    network.load_state_dict(state.best or state.average.network.state_dict())
    return network.eval(), state.history


@dataclass
class Clock:
    """Counts the seconds of a training on, across interruptions."""

    state: State

    def __post_init__(self) -> None:
        self._before, self._began = self.state.seconds, time.monotonic()

    def tick(self) -> None:
        self.state.seconds = self._before + time.monotonic() - self._began


def _hasten(state: State, course: Course, row: Row) -> None:
    """After validations that brought nothing better, straight to the calm end. Never
    in the first half: steps are large there, and figures fall before they rise.
    """
    values = [fitness(one) for one in [*state.history, row] if "map50" in one]
    if len(values) <= _PATIENCE or course.progress(state) < 0.5:
        return
    calm = int((1 - _CALM) * course.steps)
    stuck = max(values[-_PATIENCE:]) <= max(values[:-_PATIENCE]) + 0.001
    if stuck and state.steps < calm:
        log.info("no better for %d validations: on to the last epochs", _PATIENCE)
        state.steps = calm


def fitness(row: Row) -> float:
    """What makes one validation better than another."""
    return (row["map33"] + row["map50"] + row["map5095"]) / 3


def _due(epoch: int, epochs: int) -> bool:
    every = max(1, epochs // _VALIDATIONS)
    return epoch == epochs or epoch % every == 0


def _validated(state: State, course: Course) -> Row:
    metrics = score(state.average.network, course.held, course.pictures)
    row = {
        "map33": metrics.map33,
        "map50": metrics.map50,
        "map5095": metrics.map5095,
    }
    if state.best is None or fitness(row) >= state.best_fitness:
        state.best_fitness = fitness(row)
        state.best = {
            name: value.clone()
            for name, value in state.average.network.state_dict().items()
        }
    return row


def _epoch(state: State, course: Course, stepper: Stepper, clock: Clock) -> Row:
    recipe, losses = course.recipe, []
    device = next(state.network.parameters()).device
    calm = course.progress(state) >= 1 - _CALM
    strength = calmed(recipe.strength) if calm else recipe.strength
    state.network.train()
    rate = 0.0
    for batch in batches(course.sets, recipe.batch, device):
        rate = recipe.learning_rate * _rate(state, course)
        losses.append(stepper.step(batch, rate, strength))
        state.steps += 1
        clock.tick()
        if course.progress(state) >= 1:
            break
    loss = float(torch.stack(losses).mean())
    if not math.isfinite(loss):
        raise TrainingFailed(
            "the loss is no longer a number", "Try a smaller --learning-rate."
        )
    return {"epoch": state.epoch + 1, "loss": loss, "rate": rate}


def calmed(strength: Strength) -> Strength:
    """For the last epochs: whole images, near to how they were taken."""
    return replace(
        strength,
        mosaic=0.0,
        plain=max(0.7, strength.plain),
        zoom=strength.zoom / 2,
        shift=strength.shift / 2,
        heal=strength.heal / 2,
    )


def lay_out(network: QualityNet, device: torch.device) -> None:
    """Channels last: what the tensor cores of a GPU want to see."""
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        for weights in network.parameters():
            if weights.ndim == 4:
                weights.data = weights.data.contiguous(
                    memory_format=torch.channels_last
                )


def _rate(state: State, course: Course) -> float:
    """Share of the learning rate: a short rise, then half a cosine."""
    warm_up = min(_WARM_UP, max(1, course.steps // 10))
    if state.steps < warm_up:
        return (state.steps + 1) / warm_up
    falling = (1 + math.cos(math.pi * course.progress(state))) / 2
    return _FINAL_RATE + (1 - _FINAL_RATE) * falling
