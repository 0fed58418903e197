"""The card of an imported version: where it came from, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from inference_worker.engine.manifest import Manifest
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.visible import visible
from inference_worker.importing.layout import Layout
from inference_worker.importing.recognise import Recognised
from inference_worker.importing.runtimes import Runtimes
from inference_worker.importing.source import Source
from inference_worker.training.markdown import items, plain, table

AGPL = (
    "Its licence is the AGPL-3.0: whoever lets others use the model over a network must"
    " give them the source of the whole program. Ask its owner for another licence, or"
    " a lawyer, before you use it in production."
)
_MOST = 300
_MEETS = {
    "letterbox": "in the corner, aspect kept",
    "centre": "in the middle, aspect kept",
    "centre-unrounded": "in the middle, aspect kept",
    "corner": "in the corner, aspect kept",
    "stretch": "stretched over it",
    "stretch-smooth": "stretched over it, smoothed where it shrinks",
}


@dataclass(frozen=True, slots=True)
class CardFacts:
    """All that the card says; `metrics` are of the folder `measured_on`, if any."""

    manifest: Manifest
    named_by: str
    source: Source
    found: Recognised
    layout: Layout
    added: list[str]
    runtimes: Runtimes
    measured_on: str
    metrics: Metrics | None


def card(facts: CardFacts) -> str:
    """Markdown, ending in a newline."""
    return "\n\n".join(_blocks(facts)) + "\n"


def licence_warning(licence: str | None) -> str | None:
    """What whoever imports it must know; None where nothing is to be said."""
    if licence is None:
        return (
            "The file names no licence: whether you may use it is for you to find out."
        )
    text = licence.upper()
    return AGPL if "AGPL" in text or "AFFERO" in text else None


def _blocks(facts: CardFacts) -> Iterator[str]:
    manifest = facts.manifest
    count = len(manifest.classes)
    kinds = f"{count} kind{'s' * (count != 1)}"
    yield f"# {manifest.model} {manifest.version}"
    yield f"Imported. Finds {kinds} of defects: {items(manifest.classes)}."
    warning = licence_warning(facts.source.inspection.licence)
    if warning:
        yield f"**{warning}**"
    yield table(("", ""), [*_origin(facts), *_use(facts)])
    yield "## What was added to the graph"
    yield "\n".join(f"- {plain(one)}" for one in facts.added)
    yield _agreement(facts.runtimes)
    yield "## Figures"
    yield from _figures(facts)


def _origin(facts: CardFacts) -> list[tuple[str, str]]:
    inspection = facts.source.inspection
    return [
        ("file", _short(facts.source.name)),
        ("SHA-256", inspection.sha256),
        ("made by", _short(inspection.producer or "not told")),
        ("licence in the file", _short(inspection.licence or "not told")),
        ("family", facts.found.family.title),
        ("recognised because", _short(facts.found.why)),
        ("classes named by", facts.named_by),
        ("parameters", f"{inspection.parameters / 1e6:.2f} million"),
    ]


def _use(facts: CardFacts) -> list[tuple[str, str]]:
    layout, manifest = facts.layout, facts.manifest
    height, width = layout.canvas or (0, 0)
    free = f"long side {layout.sizes[0]}, the short side follows"
    doubles = f"from IoU {manifest.nms_iou:.2f}, class by class"
    return [
        ("canvas", f"{width} x {height} pixels" if layout.canvas else free),
        ("a photo lies", _MEETS[layout.fit]),
        ("images a call", "1" if layout.batch else "several"),
        ("a defect from score", f"{manifest.threshold:.2f}"),
        (
            "doubles",
            doubles if manifest.nms_iou < 1 else "none: the network gives none",
        ),
    ]


def _agreement(runtimes: Runtimes) -> str:
    if runtimes.refused:
        said = "; ".join(f"{name}: {why}" for name, why in runtimes.refused.items())
        return f"**Not every backend runs it.** {plain(said)}"
    return (
        "Scores of all backends, in f32 on a drawn picture, lie within"
        f" {runtimes.apart:.1e} of each other."
    )


def _figures(facts: CardFacts) -> Iterator[str]:
    name = f"{facts.manifest.model}@{facts.manifest.version}"
    again = (
        f"`python -m inference_worker evaluate --model {name}"
        " --coco FOLDER --report report.html`"
    )
    metrics = facts.metrics
    if metrics is None:
        yield (
            "Not measured. The threshold is the usual one of its family, not one chosen"
            f" for your defects: measure it on your own labelled photos, {again}, or"
            " import it again with `--coco FOLDER`."
        )
        return
    rows = [
        ("images", str(metrics.images)),
        ("mAP@0.33", f"{metrics.map33:.4f}"),
        ("mAP@0.5", f"{metrics.map50:.4f}"),
        ("mAP@0.5:0.95", f"{metrics.map5095:.4f}"),
        ("F at IoU 0.33", f"{metrics.f:.4f}"),
    ]
    yield table(("", facts.measured_on), rows)
    yield (
        "The threshold is the one that F is best at on these photos, so F is what they"
        f" allow at most. Again: {again}."
    )


def _short(text: str) -> str:
    text = visible(" ".join(text.split()))
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."
