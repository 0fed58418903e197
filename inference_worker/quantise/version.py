"""A version folder that holds the model in float and in int8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inference_worker.engine.coco import Sample
from inference_worker.engine.manifest import Manifest, canonical, pin
from inference_worker.engine.store import INT8_MODEL, MANIFEST, MODEL, Version
from inference_worker.publishing import Place
from inference_worker.quantise.trial import Trials
from inference_worker.training.markdown import table

CARD = "card.md"


@dataclass(frozen=True)
class Calibration:
    """What ranges and precision were measured on, and what that lacks."""

    source: str
    images: Sequence[Sample]
    validation: Sequence[Sample]
    warnings: Sequence[str]


def write_quantised(
    old: Version, trials: Trials, calibration: Calibration, place: Place, name: str
) -> Path:
    """Publish the next version of `old`."""
    text = old.read(CARD).decode() if CARD in old.manifest.files else ""
    files = {
        MODEL: old.read(MODEL),
        INT8_MODEL: trials.best.model,
        CARD: _card(text, old.manifest, name, trials, calibration).encode(),
    }
    manifest = canonical(_manifest(old.manifest, name, files, trials))
    Manifest.parse(manifest)
    return place.publish({**files, MANIFEST: manifest})


def _manifest(
    old: Manifest, name: str, files: Mapping[str, bytes], trials: Trials
) -> dict[str, Any]:
    best = trials.best
    reached = {
        f"int8_{backend}_map50_e4": round(one.map50 * 10_000)
        for backend, one in best.figures.items()
    }
    return {
        **old.raw,
        "version": name,
        "metrics": {**old.raw["metrics"], **reached},
        "files": {file: pin(data) for file, data in files.items()},
        "release_seq": old.release_seq + 1,
        "previous": {"version": old.version, "sha256": old.files[MODEL].sha256},
        "kid": None,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _card(
    text: str, old: Manifest, name: str, trials: Trials, calibration: Calibration
) -> str:
    """The old card under the new version's name, and what quantising did."""
    head, body = f"# {old.model} {name}", text.partition("\n")[2].strip()
    again = f"`{MODEL}` is that of version {old.version}, unchanged, with its card."
    return "\n\n".join([head, again, body, *_section(trials, calibration)]) + "\n"


def _section(trials: Trials, calibration: Calibration) -> list[str]:
    best = trials.best
    rows = [("float", *_shown({n: one.map50 for n, one in trials.base.items()}), "")]
    for trial in trials.tried:
        reached = {name: one.map50 for name, one in trial.figures.items()}
        rows.append(
            (trial.method, *_shown(reached), f"{-100 * trials.drop(trial):+.2f}")
        )
    head = ("mAP@0.5", *trials.base, "points, on the worse of the two")
    said = [f"- {one[:1].upper()}{one[1:]}." for one in calibration.warnings]
    return [
        "## INT8",
        f"`{INT8_MODEL}` computes its convolutions in 8 bits, but for the last ones:"
        f" ranges by {best.method} on {len(calibration.images)} images of"
        f" {calibration.source}, measured on {len(calibration.validation)} others.",
        table(head, rows),
        *(["The images for the ranges are skewed:", "\n".join(said)] if said else []),
    ]


def _shown(figures: Mapping[str, float]) -> list[str]:
    return [f"{value:.4f}" for value in figures.values()]
