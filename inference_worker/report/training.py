"""The page that a training leaves behind."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from inference_worker.engine.errors import BackendUnavailable
from inference_worker.engine.types import Detections
from inference_worker.report import sections
from inference_worker.report.figures import history_figure
from inference_worker.report.page import Section, chart, page
from inference_worker.report.sections import Measured

History = Sequence[Mapping[str, float]]

_PRECISIONS = {"map33": "mAP@0.33", "map50": "mAP@0.5", "map5095": "mAP@0.5:0.95"}

log = logging.getLogger(__name__)


def write_training_report(
    folder: Path,
    history: History,
    truth: Sequence[Detections],
    found: Sequence[Detections],
    classes: Sequence[str],
    threshold: float,
) -> Path:
    """Write `history.json` and `report.html` into the folder; gives the page's path.

    A row of the history has epoch, loss, seconds and rate, and map33, map50 and map5095
    where the epoch validated. `found` are the held-back images' finds down to a low
    score. Where plotly is not installed there is no page: that is logged, and the path
    is that of `history.json`.
    """
    record = folder / "history.json"
    record.write_text(json.dumps([_finite(row) for row in history], indent=1) + "\n")
    measured = Measured(truth, found, found, classes, threshold)
    parts = [
        sections.overview(measured),
        _course(history),
        sections.by_class(measured),
        sections.confusions(measured),
        sections.curves(measured),
        sections.thresholds(measured),
    ]
    try:
        text = page("Training report", _lead(history, measured), parts)
    except BackendUnavailable as error:
        log.warning("%s (%s): wrote %s only", error, error.hint, record)
        return record
    report = folder / "report.html"
    report.write_text(text, encoding="utf-8")
    return report


def _lead(history: History, measured: Measured) -> str:
    seconds = history[-1].get("seconds", 0.0) if history else 0.0
    return (
        f"{len(history)} epochs in {seconds:.0f} s. On the images held back:"
        f" {sections.in_a_sentence(measured)}"
    )


def _course(history: History) -> Section:
    charts = (
        ("Loss", history_figure(history, {"loss": "loss"}, "loss")),
        ("Held-back images", history_figure(history, _PRECISIONS, "mAP")),
        ("Learning rate", history_figure(history, {"rate": "rate"}, "learning rate")),
    )
    inside = "".join(
        f"<div><h3>{title}</h3>{chart(figure, f'{title} against the epoch')}</div>"
        for title, figure in charts
    )
    return Section(
        "How the training went",
        "The loss should fall and level off, and mAP rise and level off: where mAP"
        " still rises at the end more epochs will help, where it falls again fewer"
        " would have done or more images are wanted.",
        f'<div class="pair">{inside}</div>',
    )


def _finite(row: Mapping[str, float]) -> dict[str, float | None]:
    """JSON knows no NaN."""
    return {key: value if math.isfinite(value) else None for key, value in row.items()}
