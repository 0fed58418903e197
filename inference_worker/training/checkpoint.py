"""The state of a training on disk, so that a killed one goes on where it was."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from inference_worker.training.average import Average
from inference_worker.training.network import QualityNet
from inference_worker.training.pictures import Pictures
from inference_worker.training.recipe import Recipe
from inference_worker.training.settings import Settings

log = logging.getLogger(__name__)


@dataclass
class State:
    """All that changes while a network is trained."""

    network: QualityNet
    average: Average
    optimiser: torch.optim.Optimizer
    epoch: int = 0
    steps: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Tensor] | None = None
    best_fitness: float = -1.0

    @classmethod
    def fresh(
        cls, network: QualityNet, optimiser: torch.optim.Optimizer, steps: int
    ) -> Self:
        """At the beginning of a training of so many steps."""
        return cls(network, Average(network, steps), optimiser)

    def packed(self) -> dict[str, Any]:
        """Plain tensors, numbers and lists: loads with `weights_only`."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "average_steps": self.average.steps,
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "numbers": [self.epoch, self.steps, self.seconds, self.best_fitness],
            "history": self.history,
            "random": _random_state(),
        }

    def unpack(self, packed: dict[str, Any]) -> None:
        self.network.load_state_dict(packed["network"])
        self.average.network.load_state_dict(packed["average"])
        self.average.steps = packed["average_steps"]
        self.optimiser.load_state_dict(packed["optimiser"])
        self.best = packed["best"]
        self.epoch, self.steps, self.seconds, self.best_fitness = packed["numbers"]
        self.history = packed["history"]
        _set_random_state(packed["random"])


@dataclass
class Checkpoint:
    """A file that holds a `State` together with what it belongs to.

    `mark` tells one training from another: a checkpoint of other data or other
    settings is not gone on with. Without a path nothing is ever written; `every` are
    the seconds between two writings.
    """

    path: Path | None
    mark: str = ""
    every: float = math.inf
    written: float = field(default_factory=time.monotonic)

    def restore(self, state: State) -> None:
        """Put the state back, if there is one of the same training."""
        if self.path is None or not self.path.exists():
            return
        device = next(state.network.parameters()).device
        try:
            packed = torch.load(self.path, map_location=device, weights_only=True)
            mark, saved = packed["mark"], packed["state"]
        except Exception as error:  # a damaged file is as good as none
            log.warning("%s cannot be read (%s); starting anew", self.path, error)
            return
        if mark != self.mark:
            log.warning("%s is of another training; starting anew", self.path)
            return
        state.unpack(saved)
        log.info("going on after epoch %d of %s", state.epoch, self.path)

    def save_now_and_then(self, state: State) -> None:
        if time.monotonic() - self.written >= self.every:
            self.save(state)

    def save(self, state: State) -> None:
        """Write beside, then rename: a kill leaves the old one or the new one."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = _beside(self.path)
        with beside.open("wb") as file:
            torch.save({"mark": self.mark, "state": state.packed()}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self.written = time.monotonic()

    def remove(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            _beside(self.path).unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_suffix(".tmp")


def mark_of(
    settings: Settings, recipe: Recipe, sets: Sequence[Pictures], place: str
) -> str:
    """A hash of all that decides a training: not where its results go, how they are
    judged, nor how long it may take. `place` names the beginning and kind of device.
    """
    decided = replace(
        settings,
        out=Path(),
        device="",
        test=None,
        minutes=None,
        accept_drop=False,
        fresh=False,
        checkpoint_seconds=0.0,
    )
    digest = hashlib.sha256(repr((decided, recipe, place)).encode())
    for pictures in sets:
        digest.update(np.ascontiguousarray(pictures.images[:, :, ::7, ::7]).data)
        for truth in pictures.truth:
            digest.update(truth.boxes.tobytes() + truth.class_ids.tobytes())
    return digest.hexdigest()


def _random_state() -> dict[str, Any]:
    every = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": [one.cpu() for one in every]}


def _set_random_state(packed: dict[str, Any]) -> None:
    torch.set_rng_state(packed["cpu"].cpu())
    if packed["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([one.cpu() for one in packed["cuda"]])
