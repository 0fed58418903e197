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
        "card.md": _card(settings, release).encode(),
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


def _card(settings: Settings, release: Release) -> str:
    return _CARD.format(
        model=settings.model,
        version=settings.version,
        millions=release.parameters / 1e6,
        origin=release.origin,
        epochs=settings.epochs,
        batch=settings.batch,
        size=settings.size,
        seed=settings.seed,
        classes=", ".join(release.classes),
        images=release.metrics.images,
        metrics=release.metrics,
        threshold=release.threshold,
        rows="\n".join(_rows(release.metrics)),
    )


def _rows(metrics: Metrics) -> list[str]:
    return [
        f"| {name} | {one.instances} | {_shown(one.ap33)} | {_shown(one.ap50)} |"
        for name, one in metrics.per_class.items()
    ]


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


_CARD = """\
# {model} {version}

quality_net, {millions:.1f} million parameters: anchor-free, strides 8 and 16, boxes
decoded in the graph, doubles removed outside it. Finds: {classes}.

Trained on {origin}: {epochs} epochs, batches of {batch} at {size} pixels, seed {seed}.

| on {images} images held back | |
|---|---|
| mAP@0.33 | {metrics.map33:.4f} |
| mAP@0.5 | {metrics.map50:.4f} |
| mAP@0.5:0.95 | {metrics.map5095:.4f} |
| F at IoU 0.33 and the threshold {threshold:.2f} | {metrics.f:.4f} |

| class | defects | AP@0.33 | AP@0.5 |
|---|---|---|---|
{rows}

Images held back come from the same source as those trained on: expect less on photos
of another kind, and measure with `python -m inference_worker evaluate`.
"""
