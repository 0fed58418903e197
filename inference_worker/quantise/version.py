"""A version folder that holds the model in float and in int8."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inference_worker.engine.coco import Sample
from inference_worker.engine.manifest import Manifest, canonical, pin
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.store import CARD, INT8_MODEL, MANIFEST, MODEL, Version
from inference_worker.naming import Name
from inference_worker.publishing import Place
from inference_worker.quantise.calibration import FEW, Halves
from inference_worker.quantise.trial import Trial, Trials
from inference_worker.training.markdown import table

_COMPUTED = re.compile(r"^\| computed in \|.*$", re.MULTILINE)
"""The row of an imported model's card that is no longer true."""


@dataclass(frozen=True)
class Calibration:
    """What ranges and precision were measured on, and what that lacks."""

    source: str
    images: Sequence[Sample]
    validation: Sequence[Sample]
    halves: Halves | None
    warnings: Sequence[str]

    @property
    def judged(self) -> str:
        """Who chose the method, and who measured what it loses."""
        count = len(self.validation)
        if self.halves is not None:
            chosen, judged = len(self.halves.choosing), len(self.halves.judging)
            return (
                f"of {count} other images {chosen} chose the method, and {judged}"
                " that had no part in that gave the figures"
            )
        return (
            f"the same {count} other images chose the method and gave the figures, so"
            f" these flatter it a little; {2 * FEW} can be parted"
        )

    @property
    def rough(self) -> str:
        """What the number of images to measure on makes of the figures, if anything."""
        count = len(self.validation)
        told = f"only {count} images to measure on: the figures are rough"
        return told if count < FEW else ""


def write_quantised(
    old: Version, trials: Trials, calibration: Calibration, place: Place, name: Name
) -> Path:
    """Publish the next version of `old`."""
    text = old.read(CARD).decode(errors="replace") if CARD in old.manifest.files else ""
    files = {
        MODEL: old.read(MODEL),
        INT8_MODEL: trials.best.model,
        CARD: _card(text, old.manifest, name.version, trials, calibration).encode(),
    }
    manifest = canonical(_manifest(old.manifest, name, files, trials))
    Manifest.parse(manifest)
    return place.publish({**files, MANIFEST: manifest})


def _manifest(
    old: Manifest, name: Name, files: Mapping[str, bytes], trials: Trials
) -> dict[str, Any]:
    best = trials.best
    reached = {
        f"int8_{backend}_{figure}_e4": round(value * 10_000)
        for backend, one in best.figures.items()
        for figure, value in (("map50", one.map50), ("f", one.f))
    }
    return {
        **old.raw,
        "version": name.version,
        "metrics": {**old.raw["metrics"], **reached},
        "files": {file: pin(data) for file, data in files.items()},
        "release_seq": name.release_seq,
        "previous": {"version": old.version, "sha256": old.files[MODEL].sha256},
        "kid": None,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _card(
    text: str, old: Manifest, name: str, trials: Trials, calibration: Calibration
) -> str:
    """The old card under the new version's name, and what quantising did."""
    head, body = f"# {old.model} {name}", text.partition("\n")[2].strip()
    usual = (
        f"int8 on OpenVINO, else {old.precision or 'in float'}, unless told otherwise"
    )
    body = _COMPUTED.sub(f"| computed in | {usual} |", body)
    again = f"`{MODEL}` is that of version {old.version}, unchanged, with its card."
    return "\n\n".join([head, again, body, *_section(trials, calibration)]) + "\n"


def _section(trials: Trials, calibration: Calibration) -> list[str]:
    best = trials.best
    rows = [("float", *_shown(trials.base), "", "", "")]
    rows += [
        (trial.method, *_shown(trial.figures), *_lost(trials, trial))
        for trial in trials.tried
    ]
    worse = "points, on the worse of the two"
    lost = (f"mAP@0.5: {worse}", f"F: {worse}", "class that loses most: points")
    said = [f"- {_sentence(one)}" for one in calibration.warnings]
    rough = calibration.rough
    return [
        "## INT8",
        f"`{INT8_MODEL}` computes its convolutions in 8 bits, but for the last ones:"
        f" ranges by {best.method} on {len(calibration.images)} images of"
        f" {calibration.source}. {_sentence(calibration.judged)}",
        *([_sentence(rough)] if rough else []),
        "mAP@0.5, and F at the threshold of the version:",
        table(("", *trials.base, *lost), rows),
        *(["The images for the ranges are skewed:", "\n".join(said)] if said else []),
    ]


def _sentence(told: str) -> str:
    return f"{told[:1].upper()}{told[1:]}."


def _shown(figures: Mapping[str, Metrics]) -> list[str]:
    return [f"{one.map50:.4f}, F {one.f:.4f}" for one in figures.values()]


def _lost(trials: Trials, trial: Trial) -> list[str]:
    label, drop = trials.worst_class(trial)
    points = [
        f"{-100 * one:+.2f}" for one in (trials.drop(trial), trials.f_drop(trial))
    ]
    return [*points, f"{label}: {-100 * drop:+.2f} of AP@0.5"]
