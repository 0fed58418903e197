"""One training from data to version folder."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from inference_worker.training.data import (
    LabelledImages,
    coco_folder,
    drawn_boards,
)
from inference_worker.training.export import TOLERANCE, export, largest_difference
from inference_worker.training.loop import fit
from inference_worker.training.network import QualityNet
from inference_worker.training.release import Release, write_version
from inference_worker.training.settings import Settings
from inference_worker.training.validate import NMS_IOU, best_threshold, score

log = logging.getLogger(__name__)

_CHANNELS = 3


def train_and_release(settings: Settings) -> Path:
    """Train, score on held-back images, export, compare, write the folder."""
    torch.manual_seed(settings.seed)
    training, held = load(settings).split(settings.held_share, settings.seed)
    network = QualityNet(len(training.classes), _CHANNELS).to(device_of(settings))
    log.info("%d images to train on, %d held", len(training.truth), len(held.truth))
    trained = fit(network, training, settings)
    release = _judged(trained, held, settings)
    model = export(trained, training.classes)
    folder = write_version(settings, release, model)
    _compare(trained, folder / "model.onnx", settings.size)
    return folder


def load(settings: Settings) -> LabelledImages:
    """The data that the settings ask for."""
    if settings.coco is not None:
        return coco_folder(settings.coco, settings.size)
    return drawn_boards(settings.drawn, settings.seed, settings.size)


def device_of(settings: Settings) -> torch.device:
    fallback = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(settings.device or fallback)


def _judged(network: QualityNet, held: LabelledImages, settings: Settings) -> Release:
    threshold = best_threshold(network, held)
    metrics = score(network, held, threshold)
    log.info("held back: mAP@0.33 %.4f F %.4f", metrics.map33, metrics.f)
    drawn = f"{settings.drawn} boards drawn by our own code and nothing else"
    return Release(
        classes=held.classes,
        channels=_CHANNELS,
        threshold=threshold,
        nms_iou=NMS_IOU,
        metrics=metrics,
        parameters=sum(weights.numel() for weights in network.parameters()),
        origin=drawn if settings.coco is None else "a folder of labelled images",
    )


def _compare(network: QualityNet, path: Path, size: int) -> None:
    difference = largest_difference(network, path, size)
    log.info("ONNX and torch differ by %.1e at most", difference)
    if difference > TOLERANCE:
        raise RuntimeError(f"the exported model differs by {difference:.1e}")
