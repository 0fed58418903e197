"""Write a version folder: the model, its manifest, its card, its report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from inference_worker.engine.manifest import SCHEMA, Manifest, canonical, pin
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.notes import noted, notes_of
from inference_worker.engine.store import CARD, MANIFEST, MODEL
from inference_worker.engine.types import Guesses
from inference_worker.publishing import Place
from inference_worker.report import write_training_report
from inference_worker.training.card import CardFacts, card
from inference_worker.training.guard import Guarded
from inference_worker.training.loop import Row
from inference_worker.training.material import Material
from inference_worker.training.network import GRANULE, QualityNet
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start
from inference_worker.training.validate import NMS_IOU, asked

FIGURES = "figures.json"
_DRAWN_SIZES = (512, 640, 1024)


@dataclass(frozen=True)
class Finished:
    """What a training has to say once it is through.

    `found` are the detections on the pictures held back and `held` their figures;
    `golden` what the model started from reached on the golden set, and this one;
    `way` is the share of the way between their weights that was kept.
    """

    settings: Settings
    material: Material
    start: Start | None
    network: QualityNet
    model: bytes
    threshold: float
    held: Metrics
    found: Sequence[Guesses]
    golden: Guarded | None
    test: Metrics | None
    differences: Mapping[int, float]
    history: Sequence[Row]
    way: float
    device: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """The long sides that the model will run at: those it was trained for."""
        own = (self.material.recipe.size,)
        if self.settings.size is not None:
            return own
        if self.start is not None and self.start.named:
            return self.start.manifest.input.sizes
        return _DRAWN_SIZES if self.settings.data is None else own


def write_version(finished: Finished, place: Place) -> Path:
    """Publish the version folder, and give it.

    Beside the version's own files lie `figures.json` (what was measured) and the
    report of the training; the manifest does not name them.
    """
    told = _manifest(finished)
    files = {
        MODEL: noted(finished.model, notes_of(told)),
        CARD: card(_facts(finished)).encode(),
    }
    measured = [*_measured(finished), *_golden(finished.golden)]
    figures = {name: metrics.as_json() for name, metrics in measured}
    (place.draft / FIGURES).write_text(json.dumps(figures, indent=1))
    held = finished.material.held
    write_training_report(
        place.draft,
        list(finished.history),
        held.truth,
        [asked(held, one.seen) for one in finished.found],
        finished.material.classes,
        finished.threshold,
    )
    pins = {name: pin(data) for name, data in files.items()}
    manifest = canonical({**told, "files": pins})
    Manifest.parse(manifest)
    return place.publish({**files, MANIFEST: manifest})


def _manifest(finished: Finished) -> dict[str, Any]:
    """All but `files`."""
    settings = finished.settings
    return {
        "schema": SCHEMA,
        "model": settings.model,
        "version": settings.version,
        "classes": list(finished.material.classes),
        "input": {
            "layout": "NCHW",
            "channels": finished.network.channels,
            "range": [0, 1],
            "sizes": list(finished.sizes),
        },
        "stride": GRANULE,
        "threshold_ppm": round(finished.threshold * 1_000_000),
        "nms_iou_ppm": round(NMS_IOU * 1_000_000),
        "metrics": _whole(finished.held),
        "release_seq": settings.release_seq,
        "previous": _previous(finished.start),
        "kid": None,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _previous(start: Start | None) -> dict[str, str] | None:
    """The version that a named beginning makes this one the successor of."""
    if start is None or not start.named:
        return None
    digest = start.manifest.files[MODEL].sha256
    return {"version": start.manifest.version, "sha256": digest}


def _whole(metrics: Metrics) -> dict[str, int]:
    """The fractions as integers of 1e-4, since a manifest holds no floats."""
    return {
        "map33_e4": round(metrics.map33 * 10_000),
        "map50_e4": round(metrics.map50 * 10_000),
        "map5095_e4": round(metrics.map5095 * 10_000),
        "f_e4": round(metrics.f * 10_000),
        "images": metrics.images,
    }


def _facts(finished: Finished) -> CardFacts:
    settings, material = finished.settings, finished.material
    network = finished.network
    return CardFacts(
        model=settings.model,
        version=settings.version,
        classes=material.classes,
        channels=network.channels,
        parameters=sum(weights.numel() for weights in network.parameters()),
        architecture="quality_net: anchor-free, strides 8 to 32, decoded in the graph",
        sizes=finished.sizes,
        threshold=finished.threshold,
        nms_iou=NMS_IOU,
        figures=_measured(finished),
        data=material.sources,
        recipe=_recipe(finished),
        started_from=str(finished.start) if finished.start else "nothing",
        image_sizes=_image_sizes(material),
        box_sides=_box_sides(material),
        colour=_colour(material),
        differences=finished.differences,
        seconds=finished.history[-1]["seconds"],
        device=finished.device,
        golden=finished.golden,
    )


def _measured(finished: Finished) -> list[tuple[str, Metrics]]:
    figures = [("held back", finished.held)]
    if finished.golden is not None:
        figures.append(("golden set", finished.golden.whole[1]))
    if finished.test is not None:
        figures.append(("test set", finished.test))
    return figures


def _golden(guarded: Guarded | None) -> Iterator[tuple[str, Metrics]]:
    """What the card has no column for."""
    if guarded is None:
        return
    yield "golden set, before", guarded.whole[0]
    if guarded.halves.apart:
        yield "golden set, judging half, before", guarded.judged[0]
        yield "golden set, judging half", guarded.judged[1]


def _recipe(finished: Finished) -> dict[str, str]:
    recipe = finished.material.recipe
    shown = {
        "canvas": f"{recipe.canvas[1]} x {recipe.canvas[0]} pixels",
        "epochs": f"{len(finished.history)} of {recipe.epochs}",
        "batch": str(recipe.batch),
        "learning rate": f"{recipe.learning_rate:g}",
        "seed": str(finished.settings.seed),
        "augmentation": ", ".join(
            f"{name} {value:g}" for name, value in vars(recipe.strength).items()
        ),
    }
    if finished.way < 1:
        shown["weights"] = f"{finished.way:.0%} of the way from {finished.start}"
    return shown | ({"chosen": "; ".join(recipe.reasons)} if recipe.reasons else {})


def _image_sizes(
    material: Material,
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None:
    sizes = sorted(
        ((s.width, s.height) for s in material.samples), key=lambda wh: wh[0] * wh[1]
    )
    if not sizes:
        height, width = material.recipe.canvas
        return ((width, height),) * 3
    return sizes[0], sizes[len(sizes) // 2], sizes[-1]


def _box_sides(material: Material) -> tuple[float, float] | None:
    """The 5th and 95th percentile of the sides of boxes, in pixels of the photo."""
    boxes = [sample.boxes for sample in material.samples]
    if not boxes:
        boxes = [
            truth.boxes for pictures, _ in material.sets for truth in pictures.truth
        ]
    every = np.concatenate(boxes)
    if not len(every):
        return None
    low, high = np.quantile(every[:, 2:] - every[:, :2], (0.05, 0.95))
    return float(low), float(high)


def _colour(material: Material) -> str:
    grey = {sample.grey for sample in material.samples}
    return "mixed" if len(grey) != 1 else "grey" if True in grey else "colour"
