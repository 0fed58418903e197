"""One training from data to version folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import torch

from inference_worker.engine.metrics import Metrics
from inference_worker.engine.types import Guesses
from inference_worker.engine.visible import first_line
from inference_worker.publishing import Place, place_for
from inference_worker.training.bar import Bar
from inference_worker.training.checkpoint import Checkpoint, mark_of
from inference_worker.training.checks import checked
from inference_worker.training.errors import TrainingFailed
from inference_worker.training.export import differences, export
from inference_worker.training.guard import MOST_DROP, Guarded
from inference_worker.training.loop import Course, Row, fit
from inference_worker.training.material import Material, gather
from inference_worker.training.naming import named
from inference_worker.training.network import QualityNet
from inference_worker.training.partway import Weights, kept_partway
from inference_worker.training.pictures import Pictures
from inference_worker.training.release import Finished, write_version
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start, find_start
from inference_worker.training.store import Stored, store, store_all
from inference_worker.training.validate import (
    best_threshold,
    judged,
    planes_of,
    predict,
    score,
)
from inference_worker.training.weights import begin_from

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
_EXAMPLES = 16  # pictures whose statistics unfold a released model
_AIM = 0.8  # of MOST_DROP: the images that judge are others


def train_and_release(settings: Settings) -> Path:
    """Gather, train, judge, export, write; gives the version folder.

    Raises GoldenDropped when the golden set, or the half of it that judges, suffers by
    more than half a point and `accept_drop` does not allow it: nothing is released.
    DatasetError and TrainingFailed say what is wrong before training where that can be
    known.
    """
    device = device_of(settings)
    torch.manual_seed(settings.seed)
    start = find_start(settings)
    settings = named(checked(settings, start), start)
    with place_for(settings.out) as place:
        material = gather(settings, start)
        sets = store_all(material.sets, device)
        checkpoint = _checkpoint(settings, material, f"{start} {device.type}", place)
        material = material.without_pixels()
        finished = _Run(settings, material, start, device, sets, checkpoint).finished()
        return write_version(finished, place)


def device_of(settings: Settings) -> torch.device:
    """Where to train; a GPU becomes the one that streams and graphs belong to."""
    fallback = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(settings.device or fallback)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = first_line(error)
        raise TrainingFailed(
            f"--device {settings.device}: {reason}", "Use cuda, cuda:1 or cpu."
        ) from error
    if device.type != "cuda":
        return device
    device = torch.device("cuda", device.index or 0)
    torch.cuda.set_device(device)
    return device


@dataclass(frozen=True)
class _Run:
    settings: Settings
    material: Material
    start: Start | None
    device: torch.device
    sets: Sequence[Stored]
    checkpoint: Checkpoint

    def finished(self) -> Finished:
        material, settings = self.material, self.settings
        held, golden = self._stored(material.held), self._stored(material.golden)
        network = self._network(self.sets[0])
        before = self._found(network, golden)
        begin = {name: one.clone() for name, one in network.state_dict().items()}
        network, history = self._fit(network, held)
        network, way = self._kept(begin, network, held, golden)
        log.info("trained for %.0f s", history[-1]["seconds"])
        found, after = predict(network, held), self._found(network, golden)
        threshold = best_threshold(
            [(material.held, found), *_pairs(material.golden, after)]
        )
        guarded = self._guarded(before, after, threshold)
        model = export(network, material.classes)
        return Finished(
            settings=settings,
            material=material,
            start=self.start,
            network=network,
            model=model,
            threshold=threshold,
            held=judged(material.held, found, threshold),
            found=found,
            golden=guarded,
            test=self._tested(network, threshold),
            differences=differences(network, model, self._example(held)),
            history=history,
            way=way,
            device=_device_name(self.device),
        )

    def _network(self, first: Stored) -> QualityNet:
        channels = 6 if self.settings.template else 3
        network = QualityNet(len(self.material.classes), channels).to(self.device)
        if self.start is None:
            return network
        at = torch.randperm(len(first))[:_EXAMPLES]
        examples = planes_of(first, at, self.device, channels)
        fitted, of = begin_from(network, self.start, self.material.classes, examples)
        log.info("%d of %d tensors of %s fit", fitted, of, self.start)
        if self.start.named and fitted < of:
            raise TrainingFailed(
                f"{self.start} is not a network of ours, or of another time",
                "Go on from a model that `train` made, or use --from nothing.",
            )
        return network

    def _fit(self, network: QualityNet, held: Stored) -> tuple[QualityNet, list[Row]]:
        recipe, minutes = self.material.recipe, self.settings.minutes
        with Bar(recipe.epochs) as bar:
            course = Course(
                sets=self.sets,
                held=held,
                pictures=self.material.held,
                recipe=recipe,
                checkpoint=self.checkpoint,
                each=bar.show,
            )
            if minutes is not None:
                course = replace(course, seconds=60 * minutes)
            try:
                return fit(network, course)
            except torch.OutOfMemoryError as error:
                raise TrainingFailed(
                    "the device's memory is full", "Give a smaller --batch or --size."
                ) from error

    @overload
    def _stored(self, pictures: Pictures) -> Stored: ...

    @overload
    def _stored(self, pictures: Pictures | None) -> Stored | None: ...

    def _stored(self, pictures: Pictures | None) -> Stored | None:
        return None if pictures is None else store(pictures, 1.0, self.device)

    def _example(self, held: Stored) -> torch.Tensor:
        channels = 6 if self.settings.template else 3
        at = torch.arange(min(2, len(held)))
        return planes_of(held, at, self.device, channels).cpu().float()

    @staticmethod
    def _found(network: QualityNet, stored: Stored | None) -> list[Guesses]:
        return [] if stored is None else predict(network, stored)

    def _tested(self, network: QualityNet, threshold: float) -> Metrics | None:
        pictures = self.material.test
        if pictures is None:
            return None
        return judged(pictures, predict(network, self._stored(pictures)), threshold)

    def _kept(
        self, begin: Weights, network: QualityNet, held: Stored, golden: Stored | None
    ) -> tuple[QualityNet, float]:
        """Back towards the weights of the live model, as far as one half of the golden
        set asks.
        """
        pictures, halves = self.material.golden, self.material.halves
        if self.start is None or golden is None or pictures is None or halves is None:
            return network, 1.0
        some, drawn = golden.take(halves.choosing), pictures.drawn_on(halves.choosing)
        return kept_partway(
            begin,
            network,
            len(self.start.manifest.classes),
            _AIM * MOST_DROP,
            new=lambda one: score(one, held, self.material.held).map50,
            golden=lambda one: score(one, some, drawn).map50,
        )

    def _guarded(
        self, before: list[Guesses], after: list[Guesses], threshold: float
    ) -> Guarded | None:
        pictures, halves = self.material.golden, self.material.halves
        if pictures is None or halves is None:
            return None

        def figures(at: Sequence[int]) -> tuple[Metrics, Metrics]:
            drawn = pictures.drawn_on(at)
            old, new = ([found[i] for i in at] for found in (before, after))
            return judged(drawn, old, threshold), judged(drawn, new, threshold)

        whole = figures(range(len(pictures)))
        guarded = Guarded(whole, figures(halves.judging), halves)
        log.info("%s", guarded)
        if not self.settings.accept_drop:
            guarded.check()
        return guarded


def _checkpoint(
    settings: Settings, material: Material, began: str, place: Place
) -> Checkpoint:
    sets = [pictures for pictures, _ in material.sets]
    mark = mark_of(settings, material.recipe, sets, began)
    path = place.work / CHECKPOINT
    checkpoint = Checkpoint(path, mark, settings.checkpoint_seconds)
    if settings.fresh:
        checkpoint.remove()
    return checkpoint


def _pairs(
    pictures: Pictures | None, found: list[Guesses]
) -> list[tuple[Pictures, list[Guesses]]]:
    return [] if pictures is None else [(pictures, found)]


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"
