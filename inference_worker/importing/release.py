"""Write what was imported as a version folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inference_worker.engine.errors import EngineMissing
from inference_worker.engine.manifest import (
    SCHEMA,
    Manifest,
    canonical,
    pin,
)
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.store import MODEL, open_latest, root
from inference_worker.importing.layout import Layout
from inference_worker.naming import check_name, next_name

PRECISION = "f32"
"""What its own runtime computes in: in bf16, boxes near the threshold come and go."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Release:
    """What the new version is called, and what it follows."""

    model: str
    version: str
    release_seq: int
    previous: Mapping[str, str] | None

    def folder(self, out: Path) -> Path:
        """As adopting wants it."""
        return out / self.model / self.version


def next_release(model: str, version: str | None, data: Path) -> Release:
    """The one after the latest adopted in `data`, or the first of its name.

    Raises DatasetError for a name that no folder may have.
    """
    check_name("--name", model, "scratches")
    try:
        latest = open_latest(data, model).manifest
    except EngineMissing:
        latest = None
    name = next_name(model, version or "", [root(data)], latest)
    return Release(model, name.version, name.release_seq, _previous(latest))


def _previous(latest: Manifest | None) -> Mapping[str, str] | None:
    if latest is None:
        return None
    return {"version": latest.version, "sha256": latest.files[MODEL].sha256}


def manifest_of(
    release: Release,
    classes: tuple[str, ...],
    layout: Layout,
    marks: tuple[float, float],
    files: Mapping[str, bytes],
    metrics: Metrics | None = None,
) -> Manifest:
    """`marks` are threshold and IoU of suppression. ManifestError if unsound."""
    threshold, nms_iou = marks
    raw = {
        "schema": SCHEMA,
        "model": release.model,
        "version": release.version,
        "classes": list(classes),
        "input": layout.as_json(),
        "stride": layout.stride,
        "precision": PRECISION,
        "threshold_ppm": round(threshold * _MILLION),
        "nms_iou_ppm": round(nms_iou * _MILLION),
        "metrics": {} if metrics is None else _whole(metrics),
        "files": {name: pin(content) for name, content in files.items()},
        "release_seq": release.release_seq,
        "previous": release.previous,
        "kid": None,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return Manifest.parse(canonical(raw))


def _whole(metrics: Metrics) -> dict[str, int]:
    shares = {
        "map33_e4": metrics.map33,
        "map50_e4": metrics.map50,
        "map5095_e4": metrics.map5095,
        "f_e4": metrics.f,
    }
    counted = {name: round(value * 10_000) for name, value in shares.items()}
    return counted | {"images": metrics.images}
