"""Write a version folder: the model, its manifest, its card."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inference_worker.engine.manifest import SCHEMA, Manifest, canonical
from inference_worker.engine.metrics import Metrics
from inference_worker.training.card import CardFacts, card
from inference_worker.training.network import GRANULE
from inference_worker.training.settings import Settings

SIZES = (512, 640, 1024)


@dataclass(frozen=True)
class Release:
    """What a finished training has to say about itself.

    `metrics` are of the images held back and `threshold` is where F was best
    on them; `origin` tells in a sentence what the network was trained on.
    """

    classes: Sequence[str]
    channels: int
    threshold: float
    nms_iou: float
    metrics: Metrics
    parameters: int
    origin: str


def write_version(settings: Settings, release: Release, model: bytes) -> Path:
    """Fill the folder `settings.out`; the manifest is written last."""
    folder = settings.out
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "model.onnx": model,
        "card.md": card(_facts(settings, release)).encode(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    manifest = canonical(_manifest(settings, release, files))
    Manifest.parse(manifest)
    (folder / "manifest.json").write_bytes(manifest)
    return folder


def _manifest(
    settings: Settings, release: Release, files: dict[str, bytes]
) -> dict[str, Any]:
    sizes = sorted({*SIZES, settings.size})
    return {
        "schema": SCHEMA,
        "model": settings.model,
        "version": settings.version,
        "classes": list(release.classes),
        "input": {
            "layout": "NCHW",
            "channels": release.channels,
            "range": [0, 1],
            "sizes": sizes,
        },
        "stride": GRANULE,
        "threshold_ppm": round(release.threshold * 1_000_000),
        "nms_iou_ppm": round(release.nms_iou * 1_000_000),
        "metrics": _whole(release.metrics),
        "files": {name: _pin(data) for name, data in files.items()},
        "release_seq": settings.release_seq,
        "previous": None,
        "kid": None,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _pin(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


def _whole(metrics: Metrics) -> dict[str, int]:
    """The fractions as integers of 1e-4, since a manifest holds no floats."""
    return {
        "map33_e4": round(metrics.map33 * 10_000),
        "map50_e4": round(metrics.map50 * 10_000),
        "map5095_e4": round(metrics.map5095 * 10_000),
        "f_e4": round(metrics.f * 10_000),
        "images": metrics.images,
    }


def _facts(settings: Settings, release: Release) -> CardFacts:
    return CardFacts(
        model=settings.model,
        version=settings.version,
        classes=tuple(release.classes),
        channels=release.channels,
        parameters=release.parameters,
        architecture="quality_net: anchor-free, strides 8 and 16, decoded in the graph",
        sizes=tuple(sorted({*SIZES, settings.size})),
        threshold=release.threshold,
        nms_iou=release.nms_iou,
        figures=[("held back", release.metrics)],
        recipe={
            "trained on": release.origin,
            "epochs": str(settings.epochs),
            "batch": str(settings.batch),
            "size": f"{settings.size} pixels",
            "seed": str(settings.seed),
        },
    )
