"""The card of an imported version: where it came from, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inference_worker.engine.manifest import Manifest
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.visible import visible
from inference_worker.importing.marks import GIVEN, MEASURED, NOTED, USUAL, Marks
from inference_worker.importing.settling import Settled
from inference_worker.training.markdown import items, plain, table
from inference_worker.untrusted.licence import Kind, kind_of

_ASKS = {
    Kind.AGPL: "Its licence is the AGPL-3.0: whoever lets others use the model over a"
    " network must give them the source of the whole program. Ask its owner for another"
    " licence, or a lawyer, before you use it in production.",
    Kind.GPL: "Its licence is the GPL: whoever passes the model on, in a product too,"
    " must give the source of the whole program with it. Ask its owner for another"
    " licence, or a lawyer, before you ship it.",
    Kind.NON_COMMERCIAL: "Its licence speaks of use that is not commercial: ask its"
    " owner before you use it in production.",
    Kind.LGPL: "Its licence is the LGPL: whoever passes the model on must give its"
    " source, and what was changed in it.",
}
_UNMEASURED = {
    USUAL: "The threshold is the usual one of its family, not one chosen for your"
    " defects: measure it on your own labelled photos, or import it again with"
    " `--coco FOLDER`",
    NOTED: "The threshold is the one that the file was imported with before: measure it"
    " on your own labelled photos",
    GIVEN: "The threshold was given with --threshold, and nobody measured what"
    " it finds or misses: measure it on your own labelled photos",
}
_QUANTISED = (
    "QuantizeLinear",
    "DynamicQuantizeLinear",
    "QLinearConv",
    "QLinearMatMul",
    "ConvInteger",
    "MatMulInteger",
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
    settled: Settled
    marks: Marks
    measured_on: str
    metrics: Metrics | None


def card(facts: CardFacts) -> str:
    """Markdown, ending in a newline."""
    return "\n\n".join(_blocks(facts)) + "\n"


def licence_lines(licences: Mapping[str, str]) -> list[tuple[str, str]]:
    """What there is to show of it, and how it is called."""
    if not licences:
        return [("licence in the file", "not told")]
    (_, first), *more = licences.items()
    others = [(f"{key} in the file", text) for key, text in more]
    return [("licence in the file", first), *others]


def licence_warning(licences: Mapping[str, str]) -> str | None:
    """What whoever imports it must know; None where nothing is to be said."""
    if not licences:
        return (
            "The file names no licence: whether you may use it is for you to find out."
        )
    kind = kind_of("; ".join(f"{key}: {text}" for key, text in licences.items()))
    return None if kind is None else _ASKS[kind]


def quantised_warning(operators: Mapping[str, int]) -> str | None:
    """What follows where a network computes in 8 bits already; None where it does not.

    Scales alone (DequantizeLinear) are weights that were stored small.
    """
    found = next((one for one in _QUANTISED if one in operators), None)
    if found is None:
        return None
    return (
        f"The file is an int8 network already ({found} in it): it is taken as it is,"
        " backends may find different boxes in it, and `quantise` will refuse it."
        " Rather import the float file that it was made of, and `quantise` that."
    )


def _blocks(facts: CardFacts) -> Iterator[str]:
    manifest = facts.manifest
    count = len(manifest.classes)
    kinds = f"{count} kind{'s' * (count != 1)}"
    yield f"# {manifest.model} {manifest.version}"
    yield f"Imported. Finds {kinds} of defects: {items(manifest.classes)}."
    made = facts.settled.made
    inspection = made.source.inspection
    for warning in (
        licence_warning(inspection.licences),
        quantised_warning(inspection.operators),
        made.found.doubt,
        *facts.settled.remarks,
    ):
        if warning:
            yield f"**{_sentence(warning)}**"
    yield table(("", ""), [*_origin(facts), *_use(facts)])
    yield "## What was added to the graph"
    yield "\n".join(f"- {plain(one)}" for one in made.added)
    yield from _agreement(facts.settled)
    yield "## Figures"
    yield from _figures(facts)


def _origin(facts: CardFacts) -> list[tuple[str, str]]:
    made = facts.settled.made
    inspection = made.source.inspection
    return [
        ("file", _short(made.source.name)),
        ("SHA-256", inspection.sha256),
        ("made by", _short(inspection.producer or "not told")),
        *(
            (_short(what), _short(text))
            for what, text in licence_lines(inspection.licences)
        ),
        ("family", made.found.family.title),
        ("recognised because", _short(made.found.why)),
        ("classes named by", made.labels.source),
        ("parameters", f"{inspection.parameters / 1e6:.2f} million"),
    ]


def _use(facts: CardFacts) -> list[tuple[str, str]]:
    layout, marks = facts.settled.made.layout, facts.marks
    height, width = layout.canvas or (0, 0)
    sides = " or ".join(map(str, layout.sizes))
    free = f"long side {sides}, the short side follows"
    doubles = f"from IoU {marks.nms_iou:.2f}, class by class: {marks.nms_by}"
    return [
        ("canvas", f"{width} x {height} pixels" if layout.canvas else free),
        ("a photo lies", _MEETS[layout.fit]),
        ("images a call", "1" if layout.batch else "several"),
        ("computed in", f"{facts.manifest.precision}, unless told otherwise"),
        ("a defect from score", f"{marks.threshold:.2f}: {marks.threshold_by}"),
        ("doubles", doubles if marks.nms_iou < 1 else "are not looked for"),
    ]


def _agreement(settled: Settled) -> Iterator[str]:
    if settled.refused:
        said = "; ".join(f"{name}: {why}" for name, why in settled.refused.items())
        yield f"**Not every backend runs it.** {plain(said)}"
    for name in settled.absent:
        yield f"{name} was not installed where it was imported: it was not tried on it."
    for name, told in settled.compared.items():
        pair = f"{settled.reference} and {name}"
        if not told.tells:
            yield f"**Whether {pair} agree is not known: {told}.**"
        elif told.good:
            yield f"{pair} find the same: {told}."
        else:
            yield (
                f"**{pair} differ: {told}.** Measure it on the backend that is"
                f" to run it: `evaluate --backend {name}`."
            )


def _figures(facts: CardFacts) -> Iterator[str]:
    name = f"{facts.manifest.model}@{facts.manifest.version}"
    again = (
        f"`python -m inference_worker evaluate --model {name}"
        " --coco FOLDER --report report.html`"
    )
    metrics = facts.metrics
    if metrics is None:
        yield f"Not measured. {_UNMEASURED[facts.marks.threshold_by]}: {again}."
        return
    rows = [
        ("images", str(metrics.images)),
        ("mAP@0.33", f"{metrics.map33:.4f}"),
        ("mAP@0.5", f"{metrics.map50:.4f}"),
        ("mAP@0.5:0.95", f"{metrics.map5095:.4f}"),
        ("F at IoU 0.33", f"{metrics.f:.4f}"),
    ]
    yield table(("", facts.measured_on), rows)
    if facts.marks.threshold_by == MEASURED:
        said = (
            "The threshold is the one that F is best at on these photos, so F is what"
            " they allow at most"
        )
    else:
        said = "F is that of the threshold that was given with --threshold"
    yield f"{said}. Again: {again}."


def _sentence(text: str) -> str:
    text = plain(text[:1].upper() + text[1:])
    return text if text.endswith(".") else f"{text}."


def _short(text: str) -> str:
    text = visible(" ".join(text.split()))
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."
