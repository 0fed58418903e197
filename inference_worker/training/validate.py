"""Run a network over labelled images and score what it finds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from inference_worker.engine.metrics import Metrics, evaluate_detections
from inference_worker.engine.nms import nms
from inference_worker.engine.types import Detections
from inference_worker.training.data import LabelledImages

NMS_IOU = 0.45
_FLOOR = 0.005
_MOST = 300


def predict(
    network: nn.Module, images: npt.NDArray[np.uint8], batch: int = 32
) -> list[Detections]:
    """Detections down to a low score for each image (n, H, W, 3)."""
    device = next(network.parameters()).device
    found: list[Detections] = []
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            pixels = torch.from_numpy(images[start : start + batch]).to(device)
            preds = network(pixels.permute(0, 3, 1, 2).float() / 255)
            found.extend(select(one) for one in preds.cpu().numpy())
    return found


def select(preds: npt.NDArray[np.float32]) -> Detections:
    """One image's (A, 4 + classes) reduced to detections without doubles."""
    anchors, labels = np.nonzero(preds[:, 4:] > _FLOOR)
    scores = preds[anchors, 4 + labels]
    best = np.argsort(-scores, kind="stable")[:_MOST]
    boxes = preds[anchors[best], :4]
    kept = nms(boxes, scores[best], labels[best], NMS_IOU)
    return Detections.of(boxes[kept], scores[best][kept], labels[best][kept])


def score(network: nn.Module, data: LabelledImages, threshold: float = 0.5) -> Metrics:
    """Precision and F of the network on these images."""
    found = predict(network, data.images)
    return evaluate_detections(data.truth, found, data.classes, threshold)


def best_threshold(network: nn.Module, data: LabelledImages) -> float:
    """The score at which F is best on these images, in steps of 0.05."""
    found = predict(network, data.images)
    scores = np.arange(20, 75, 5) / 100
    values = [
        evaluate_detections(data.truth, found, data.classes, float(at)).f
        for at in scores
    ]
    return float(scores[int(np.argmax(values))])
