"""One training from data to version folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from inference_worker.engine.metrics import Metrics, evaluate_detections
from inference_worker.engine.types import Detections
from inference_worker.training.bar import Bar
from inference_worker.training.checkpoint import Checkpoint, mark_of
from inference_worker.training.errors import GoldenDropped
from inference_worker.training.export import differences, export
from inference_worker.training.loop import Course, Row, fit
from inference_worker.training.material import Material, gather
from inference_worker.training.naming import named
from inference_worker.training.network import QualityNet
from inference_worker.training.pictures import Pictures
from inference_worker.training.release import Finished, write_version
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start, find_start
from inference_worker.training.store import Stored, store, store_all
from inference_worker.training.validate import best_threshold, planes_of, predict
from inference_worker.training.weights import begin_from

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
_EXAMPLES = 16  # pictures whose statistics unfold a released model
_MOST_DROP = 0.005  # of the golden set's mAP@0.5


def train_and_release(settings: Settings) -> Path:
    """Gather, train, judge, export, write; gives the version folder.

    Raises GoldenDropped when the golden set suffers by more than half a point and
    `accept_drop` does not allow it: nothing is released then.
    """
    torch.manual_seed(settings.seed)
    device = device_of(settings)
    start = find_start(settings)
    settings = named(settings, start)
    material = gather(settings, start)
    run = _Run(settings, material, start, device)
    return run.release()


def device_of(settings: Settings) -> torch.device:
    """Where to train; a GPU becomes the one that streams and graphs belong to."""
    fallback = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(settings.device or fallback)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


@dataclass(frozen=True)
class _Run:
    settings: Settings
    material: Material
    start: Start | None
    device: torch.device

    def release(self) -> Path:
        material = self.material
        sets = store_all(material.sets, self.device)
        held = self._stored(material.held)
        network = self._network(sets[0])
        before = self._measured(network, material.golden, 0.5)
        checkpoint = self._checkpoint()
        network, history = self._fit(network, sets, held, checkpoint)
        seconds = history[-1]["seconds"]
        log.info("trained for %.0f s", seconds)
        threshold = best_threshold(network, held, material.held)
        golden = self._guarded(network, before, threshold)
        model = export(network, material.classes)
        found = predict(network, held)
        finished = Finished(
            settings=self.settings,
            material=material,
            start=self.start,
            network=network,
            model=model,
            threshold=threshold,
            held=_judged(material.held, found, threshold),
            found=found,
            golden=golden,
            test=self._measured(network, material.test, threshold),
            differences=differences(network, model, self._example(held)),
            history=history,
            seconds=seconds,
            device=_device_name(self.device),
        )
        folder = write_version(finished)
        checkpoint.remove()
        return folder

    def _network(self, first: Stored) -> QualityNet:
        channels = 6 if self.settings.template else 3
        network = QualityNet(len(self.material.classes), channels).to(self.device)
        if self.start is not None:
            at = torch.randperm(len(first))[:_EXAMPLES]
            fitted = begin_from(
                network,
                self.start.model,
                self.start.manifest.classes,
                self.material.classes,
                planes_of(first, at, self.device, channels),
            )
            log.info("%d tensors of %s fit", fitted, self.start)
        return network

    def _fit(
        self,
        network: QualityNet,
        sets: list[Stored],
        held: Stored,
        checkpoint: Checkpoint,
    ) -> tuple[QualityNet, list[Row]]:
        recipe, minutes = self.material.recipe, self.settings.minutes
        with Bar(recipe.epochs) as bar:
            course = Course(
                sets=sets,
                held=held,
                pictures=self.material.held,
                recipe=recipe,
                checkpoint=checkpoint,
                each=bar.show,
            )
            if minutes is not None:
                course = replace(course, seconds=60 * minutes)
            return fit(network, course)

    def _checkpoint(self) -> Checkpoint:
        sets = [pictures for pictures, _ in self.material.sets]
        mark = mark_of(self.settings, self.material.recipe, sets)
        path = self.settings.out / CHECKPOINT
        if self.settings.fresh:
            path.unlink(missing_ok=True)
        return Checkpoint(path, mark)

    def _stored(self, pictures: Pictures) -> Stored:
        return store(pictures, 1.0, self.device)

    def _example(self, held: Stored) -> torch.Tensor:
        channels = 6 if self.settings.template else 3
        at = torch.arange(min(2, len(held)))
        return planes_of(held, at, self.device, channels).cpu().float()

    def _measured(
        self, network: QualityNet, pictures: Pictures | None, threshold: float
    ) -> Metrics | None:
        if pictures is None:
            return None
        found = predict(network, self._stored(pictures))
        return _judged(pictures, found, threshold)

    def _guarded(
        self, network: QualityNet, before: Metrics | None, threshold: float
    ) -> tuple[Metrics, Metrics] | None:
        after = self._measured(network, self.material.golden, threshold)
        if before is None or after is None:
            return None
        drop = before.map50 - after.map50
        log.info("golden set: mAP@0.5 %.4f, was %.4f", after.map50, before.map50)
        if drop > _MOST_DROP and not self.settings.accept_drop:
            raise GoldenDropped(
                f"the golden set falls from mAP@0.5 {before.map50:.4f} to"
                f" {after.map50:.4f}, by more than half a point; nothing is released"
            )
        return before, after


def _judged(pictures: Pictures, found: list[Detections], threshold: float) -> Metrics:
    return evaluate_detections(pictures.truth, found, pictures.classes, threshold)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"
