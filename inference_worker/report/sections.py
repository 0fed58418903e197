"""What both pages show of a measurement, in the words of quality engineers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from inference_worker.engine.curves import (
    Verdict,
    confusion,
    f_of_thresholds,
    precision_recall,
    scores_of_hits,
    verdict,
)
from inference_worker.engine.metrics import (
    Matched,
    Metrics,
    evaluate_detections,
    match,
)
from inference_worker.engine.types import Detections
from inference_worker.report import figures
from inference_worker.report.page import Section, chart, table, tiles


@dataclass(frozen=True)
class Measured:
    """Finds set against what was drawn; see evaluate_detections for `every`, `seen`."""

    truth: Sequence[Detections]
    every: Sequence[Detections]
    seen: Sequence[Detections]
    classes: Sequence[str]
    threshold: float

    @cached_property
    def metrics(self) -> Metrics:
        return evaluate_detections(
            self.truth, self.every, self.classes, self.threshold, self.seen
        )

    @cached_property
    def verdicts(self) -> list[Verdict]:
        pairs = zip(self.truth, self.seen, strict=True)
        return [verdict(*pair, self.threshold) for pair in pairs]

    @cached_property
    def matched(self) -> list[Matched]:
        return match(self.truth, self.seen, self.classes)


def in_a_sentence(measured: Measured) -> str:
    """What a line would have seen."""
    drawn = sum(len(one.truth) for one in measured.verdicts)
    hits = sum(int(one.hits.sum()) for one in measured.verdicts)
    wrong = sum(int((~one.hits).sum()) for one in measured.verdicts)
    share = f" ({100 * hits / drawn:.1f} %)" if drawn else ""
    return (
        f"Of {drawn} defects on {len(measured.truth)} images it finds {hits}{share}"
        f" under their own name, and reports {wrong} that are not there or are called"
        f" something else, at threshold {measured.threshold:.2f}."
    )


def overview(measured: Measured) -> Section:
    metrics = measured.metrics
    return Section(
        "In short",
        "mAP averages, over the classes, how well finds are ranked; the number after @"
        " is how much a find must overlap the drawn box. F weighs precision and recall"
        " alike at the threshold in use.",
        tiles(
            [
                ("mAP@0.33", _shown(metrics.map33)),
                ("mAP@0.5", _shown(metrics.map50)),
                ("mAP@0.5:0.95", _shown(metrics.map5095)),
                ("F@0.33", _shown(metrics.f)),
                ("threshold", f"{measured.threshold:.2f}"),
                ("images", str(metrics.images)),
            ]
        ),
    )


def by_class(measured: Measured) -> Section:
    head = ("class", "defects", "AP@0.33", "AP@0.5", "AP@0.5:0.95", "F")
    rows = [
        (
            name,
            str(one.instances),
            *map(_shown, (one.ap33, one.ap50, one.ap5095, one.f)),
            *map(_shown, (one.precision, one.recall)),
        )
        for name, one in measured.metrics.per_class.items()
    ]
    return Section(
        "Class by class",
        "Precision: which share of the finds is right. Recall: which share of the"
        " defects is found. Both at the threshold in use and IoU 0.33.",
        table((*head, "precision", "recall"), rows),
    )


def curves(measured: Measured) -> Section:
    matched = match(measured.truth, measured.every, measured.classes)
    drawn = [
        (name, one)
        for name, one in zip(measured.classes, matched, strict=True)
        if one.drawn
    ]
    charts = ""
    for iou in (0.33, 0.5):
        lines = {name: precision_recall(one, iou) for name, one in drawn}
        words = f"Precision and recall of each class at IoU {iou}"
        drawing = chart(figures.precision_recall_figure(lines), words)
        charts += f"<div><h3>A hit overlaps by {iou}</h3>{drawing}</div>"
    return Section(
        "Precision and recall",
        "Each line goes from the surest finds (left) to the least sure. A line that"
        " stays high to the right finds all defects without false alarms.",
        f'<div class="pair">{charts}</div>',
    )


def thresholds(measured: Measured) -> Section:
    together = f_of_thresholds(measured.matched)
    per_class = {
        name: f_of_thresholds([one])
        for name, one in zip(measured.classes, measured.matched, strict=True)
        if one.drawn
    }
    figure = figures.f_figure(together, per_class, measured.threshold)
    scores = figures.scores_figure(
        *scores_of_hits(measured.matched), measured.threshold
    )
    return Section(
        "Where to set the threshold",
        "First: F at every threshold. Then: how sure the model was of its hits and of"
        " its false alarms; the upright scale grows tenfold with each line. The better"
        " the two are apart, the less the threshold matters.",
        '<div class="pair">'
        f"<div>{chart(figure, 'F against the threshold')}</div>"
        f"<div>{chart(scores, 'Scores of hits and of false alarms')}</div></div>",
    )


def confusions(measured: Measured) -> Section:
    counts = confusion(measured.verdicts, len(measured.classes))
    figure = figures.confusion_figure(counts, measured.classes)
    return Section(
        "What is taken for what",
        "A row is what people drew, a column what the model called it, with its share"
        " of the row. The last column was missed, the last row are finds where nothing"
        " was drawn. At the threshold in use and IoU 0.33.",
        f'<div class="narrow">{chart(figure, "Confusion matrix")}</div>',
    )


def _shown(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.4f}"
