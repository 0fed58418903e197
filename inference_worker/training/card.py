"""The card of a model version: what it is, how good, made of what, and its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from inference_worker.engine.metrics import ClassMetrics, Metrics
from inference_worker.training.guard import Guarded
from inference_worker.training.limits import limits
from inference_worker.training.markdown import items, plain, table

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Source:
    """Where images came from, and how many: `boxes` a class, `normal` images without
    any box. `held` of the `images` were kept back for validation.
    """

    origin: str
    images: int
    boxes: Mapping[str, int]
    normal: int
    held: int


@dataclass(frozen=True)
class CardFacts:
    """All that a card says; what is left at its default is not mentioned.

    - `architecture` is a sentence, `sizes` are the long sides the network runs at.
    - `image_sizes` are the smallest, the median and the largest photo trained on,
      `box_sides` the 5th and 95th percentile of the sides of all boxes, in pixels
      of the photo; `colour` is `grey`, `colour` or `mixed`.
    - `recipe` names settings as they are shown, in their order.
    - `figures` are (name of the set, what was measured on it), shown side by side.
    - `differences` are the largest between ONNX and torch, for each size.
    - `golden` is what the model started from and this one reach on the golden set.
    """

    model: str
    version: str
    classes: tuple[str, ...]
    channels: int
    parameters: int
    architecture: str
    sizes: tuple[int, ...]
    threshold: float
    nms_iou: float
    figures: Sequence[tuple[str, Metrics]]
    data: Sequence[Source] = ()
    recipe: Mapping[str, str] = field(default_factory=dict)
    started_from: str = "nothing"
    image_sizes: tuple[Size, Size, Size] | None = None
    box_sides: tuple[float, float] | None = None
    colour: str = ""
    differences: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    device: str = ""
    golden: Guarded | None = None


def card(facts: CardFacts) -> str:
    """Markdown, ending in a newline."""
    parts: list[Callable[[CardFacts], Iterable[str]]] = [
        _head,
        _figures,
        _data,
        _recipe,
        _export,
        _limits,
    ]
    blocks = [block for part in parts for block in part(facts) if block]
    return "\n\n".join(blocks) + "\n"


def _head(facts: CardFacts) -> Iterable[str]:
    yield f"# {facts.model} {facts.version}"
    count = len(facts.classes)
    yield f"Finds {count} kind{'s' * (count != 1)} of defects: {items(facts.classes)}."
    takes = "a photo and its golden template" if facts.channels == 6 else "a photo"
    yield table(
        ("", ""),
        [
            ("takes", f"{takes}, {facts.channels} channels"),
            ("long side", f"{_either(facts.sizes)} pixels"),
            ("network", facts.architecture),
            ("parameters", f"{facts.parameters / 1e6:.2f} million"),
            ("a defect from score", f"{facts.threshold:.2f}"),
            ("doubles from IoU", f"{facts.nms_iou:.2f}, class by class"),
            ("started from", facts.started_from),
        ],
    )


def _figures(facts: CardFacts) -> Iterable[str]:
    if not facts.figures:
        return
    yield "## Figures"
    sets = [metrics for _, metrics in facts.figures]
    rows: list[tuple[str, Callable[[Metrics], str]]] = [
        ("images", lambda one: str(one.images)),
        ("defects", lambda one: str(_drawn(one))),
        ("mAP@0.33", lambda one: _shown(one.map33)),
        ("mAP@0.5", lambda one: _shown(one.map50)),
        ("mAP@0.5:0.95", lambda one: _shown(one.map5095)),
        ("F at IoU 0.33", lambda one: _shown(one.f)),
    ]
    names = [name for name, _ in facts.figures]
    yield table(("", *names), [(row, *map(show, sets)) for row, show in rows])
    if len(sets) > 1:
        yield "AP@0.5 of each class:"
        yield table(("class", *names), _side_by_side(facts.classes, sets))
    for name, metrics in facts.figures:
        yield f"### Class by class: {plain(name)}"
        yield _by_class(metrics)
    yield (
        f"F, precision and recall count defects of score {facts.threshold:.2f} and more"
        " at IoU 0.33. Measure it on your own labelled photos:"
        f" `python -m inference_worker evaluate --model {facts.model}@{facts.version}"
        " --coco FOLDER --report report.html`."
    )


def _side_by_side(
    classes: Sequence[str], sets: Sequence[Metrics]
) -> list[tuple[str, ...]]:
    found = [one.per_class for one in sets]
    return [
        (name, *(_shown(one[name].ap50) if name in one else "-" for one in found))
        for name in classes
    ]


def _by_class(metrics: Metrics) -> str:
    head = (
        *("class", "defects", "AP@0.33", "AP@0.5", "AP@0.5:0.95"),
        *("F", "precision", "recall"),
    )
    return table(head, [_row(name, one) for name, one in metrics.per_class.items()])


def _row(name: str, one: ClassMetrics) -> tuple[str, ...]:
    figures = (one.ap33, one.ap50, one.ap5095, one.f, one.precision, one.recall)
    return (name, str(one.instances), *map(_shown, figures))


def _data(facts: CardFacts) -> Iterable[str]:
    if not facts.data:
        return
    yield "## Data"
    head = ("from", "images", "of them without a defect", "of them held back", "boxes")
    yield table(
        head,
        [
            (
                one.origin,
                str(one.images),
                str(one.normal),
                str(one.held),
                str(sum(one.boxes.values())),
            )
            for one in facts.data
        ],
    )
    yield table(
        ("boxes drawn", *(one.origin for one in facts.data)),
        [
            (name, *(str(one.boxes.get(name, 0)) for one in facts.data))
            for name in facts.classes
        ],
    )
    if facts.image_sizes:
        least, median, most = (f"{w} x {h}" for w, h in facts.image_sizes)
        yield f"Photos: smallest {least}, median {median}, largest {most} pixels."


def _recipe(facts: CardFacts) -> Iterable[str]:
    if facts.recipe or facts.seconds:
        yield "## Recipe"
    if facts.recipe:
        yield table(("setting", "value"), list(facts.recipe.items()))
    if facts.seconds:
        where = f" on {facts.device}" if facts.device else ""
        yield f"Training took {_duration(facts.seconds)}{where}."


def _export(facts: CardFacts) -> Iterable[str]:
    if not facts.differences:
        return
    yield "## Export"
    yield "The largest difference between the ONNX file and the network as trained:"
    rows = [(f"{size} pixels", f"{d:.1e}") for size, d in facts.differences.items()]
    yield table(("long side", "difference"), rows)


def _limits(facts: CardFacts) -> Iterable[str]:
    yield "## Limits"
    yield "\n".join(f"- {sentence}" for sentence in limits(facts))


def _drawn(metrics: Metrics) -> int:
    return sum(one.instances for one in metrics.per_class.values())


def _shown(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.4f}"


def _either(sizes: Sequence[int]) -> str:
    *most, last = map(str, sizes)
    return f"{', '.join(most)} or {last}" if most else last


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
