"""What a model was never shown, worked out from what it was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from inference_worker.training.markdown import items

if TYPE_CHECKING:
    from inference_worker.training.card import CardFacts
    from inference_worker.training.guard import Guarded

FEW_BOXES = 30
"""Fewer boxes of a class than this teach it badly, and measure it worse."""

_COLOURS = {
    "grey": "Only greyscale photos were seen: colour photos are another world to it.",
    "colour": "Only colour photos were seen: greyscale ones are another world to it.",
}


def limits(facts: CardFacts) -> Iterator[str]:
    """A sentence each, the most pressing first."""
    yield from _of_classes(facts)
    yield from _of_boxes(facts)
    yield from _of_photos(facts)
    yield from _of_template(facts)
    yield from _of_golden(facts)
    yield (
        "Held-back images come from the same source as those trained on: expect less"
        " on photos of another line, camera or product until you have measured it."
    )


def _of_classes(facts: CardFacts) -> Iterator[str]:
    if not facts.data:
        return
    boxes = {
        name: sum(one.boxes.get(name, 0) for one in facts.data)
        for name in facts.classes
    }
    rare = [f"{name} ({n})" for name, n in boxes.items() if n < FEW_BOXES]
    if rare:
        yield (
            f"Fewer than {FEW_BOXES} boxes were drawn of {items(rare)}: both the"
            " model and its figures are unsure there."
        )
    if not sum(one.normal for one in facts.data):
        yield (
            "Every photo seen had a defect: false alarms on good products were not"
            " measured. Add photos without any."
        )


def _of_boxes(facts: CardFacts) -> Iterator[str]:
    if facts.box_sides:
        small, large = facts.box_sides
        yield (
            f"Nine in ten box sides seen lie between {small:.0f} and {large:.0f} pixels"
            " of the photo: much smaller and much larger defects were hardly or never"
            " seen."
        )


def _of_photos(facts: CardFacts) -> Iterator[str]:
    if facts.colour in _COLOURS:
        yield _COLOURS[facts.colour]
    if not facts.image_sizes:
        return
    (left, top), _, (right, bottom) = facts.image_sizes
    if (left, top) == (right, bottom):
        yield f"Only photos of {left} x {top} pixels were seen."
    else:
        yield (
            f"Photos seen measure {left} x {top} to {right} x {bottom} pixels; at"
            " another magnification defects have other sizes and are missed."
        )


def _of_template(facts: CardFacts) -> Iterator[str]:
    if facts.channels == 6:
        yield (
            "Every photo needs a golden template of the same product, of the same width"
            " and height and lying on it to within a few pixels; a wrong one makes"
            " false alarms."
        )


def _of_golden(facts: CardFacts) -> Iterator[str]:
    if facts.golden is None:
        return
    before, after = facts.golden.whole
    points = 100 * (after.map50 - before.map50)
    yield (
        f"On the golden set mAP@0.5 is {after.map50:.4f}, before it was"
        f" {before.map50:.4f} ({facts.started_from}): {points:+.1f} points."
        f" {_judges(facts.golden)} What the golden set does not hold may have been"
        " forgotten unseen."
    )


def _judges(guarded: Guarded) -> str:
    halves = guarded.halves
    count = len(halves.judging)
    if not halves.apart:
        return (
            f"Its {count} images were too few, or too many of them alike, to be parted:"
            " all of them chose how far training might take the model, and judge it"
            " here. It may be a little worse than they say."
        )
    before, after = guarded.judged
    return (
        f"{len(halves.choosing)} of its images chose how far training might take the"
        f" model; the other {count} only judge it: {after.map50:.4f}, before"
        f" {before.map50:.4f}, {100 * (after.map50 - before.map50):+.1f} points."
    )
