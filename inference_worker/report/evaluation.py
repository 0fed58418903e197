"""The page of `evaluate --report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inference_worker.engine.api import Detector
from inference_worker.engine.coco import Sample
from inference_worker.engine.curves import worst
from inference_worker.engine.decode import decode_file
from inference_worker.engine.types import Guesses
from inference_worker.engine.visible import visible
from inference_worker.report import sections
from inference_worker.report.page import Section, page
from inference_worker.report.pictures import key, picture
from inference_worker.report.sections import Measured

MOST_PICTURES = 24


def write_evaluation_report(
    path: Path, detector: Detector, samples: Sequence[Sample], found: Sequence[Guesses]
) -> Path:
    """One self-contained page about `find_all`'s result; gives `path`.

    Raises BackendUnavailable without plotly, OSError where it cannot be written.
    """
    measured = Measured(
        truth=[sample.truth for sample in samples],
        every=[one.every for one in found],
        seen=[one.seen for one in found],
        classes=detector.classes,
        threshold=detector.threshold,
    )
    what = f"{detector.model} {detector.version} on {len(samples)} labelled images"
    parts = [
        sections.overview(measured),
        sections.by_class(measured),
        sections.confusions(measured),
        sections.curves(measured),
        sections.thresholds(measured),
        _pictures(measured, samples),
    ]
    text = page(what, sections.in_a_sentence(measured), parts)
    path.write_text(text, encoding="utf-8")
    return path


def _pictures(measured: Measured, samples: Sequence[Sample]) -> Section:
    places = worst(measured.verdicts, MOST_PICTURES)
    inside = "".join(
        picture(
            decode_file(samples[i].path),
            visible(samples[i].path.name),
            measured.verdicts[i],
            measured.classes,
        )
        for i in places
    )
    words = (
        f"The {len(places)} gravest, worst first: false alarms the model was sure of,"
        " and large defects it missed. Look here for wrong labels too."
    )
    return Section(
        "Where it was most wrong",
        words if places else "Nowhere: every defect was found, and nothing else.",
        f'{key()}<div class="photos">{inside}</div>' if places else "",
    )
