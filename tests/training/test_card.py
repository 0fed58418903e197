"""The card says what the facts say, and works out what the model cannot do."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from inference_worker.engine.metrics import Metrics, evaluate_detections
from inference_worker.engine.types import Detections
from inference_worker.training.card import CardFacts, Source, card
from inference_worker.training.guard import Guarded, Halves

CLASSES = ("dent", "划痕")


def measured(images: int, found: int) -> Metrics:
    """Each image has a dent; on the first `found` of them it is found."""
    truth = [Detections.truth([[0, 0, 9, 9]], [0])] * images
    empty = Detections.empty()
    return evaluate_detections(
        truth, [truth[i] if i < found else empty for i in range(images)], CLASSES
    )


FACTS = CardFacts(
    model="castings",
    version="3",
    classes=CLASSES,
    channels=3,
    parameters=2_610_000,
    architecture="anchor-free",
    sizes=(512, 640, 1024),
    threshold=0.35,
    nms_iou=0.45,
    figures=[("held back", measured(4, 4)), ("golden set", measured(4, 2))],
    data=[Source("line | four", 100, {"dent": 80, "划痕": 12}, 7, 10)],
    recipe={"epochs": "50", "batch": "16"},
    started_from="castings@2",
    image_sizes=((200, 200), (640, 480), (2048, 1536)),
    box_sides=(6.2, 140.4),
    colour="grey",
    differences={512: 2e-5, 1024: 4e-4},
    seconds=229.6,
    device="a GPU",
)

FALL = (measured(4, 4), measured(4, 2))
TOGETHER = Guarded(FALL, FALL, Halves(range(4), range(4)))
APART = Guarded(FALL, (measured(2, 2), measured(2, 1)), Halves((0, 2, 4), (1, 3)))


def test_the_sets_stand_side_by_side() -> None:
    text = card(FACTS)
    assert "|  | held back | golden set |" in text
    assert "| mAP@0.5 | 1.0000 | 0.5050 |" in text
    assert "| dent | 1.0000 | 0.5050 |" in text


def test_a_class_never_drawn_has_no_figures() -> None:
    assert "| 划痕 | 0 | - | - | - | - | - | - |" in card(FACTS)


def test_data_recipe_and_export_are_told() -> None:
    text = card(FACTS)
    assert r"| line \| four | 100 | 7 | 10 | 92 |" in text
    assert "| 划痕 | 12 |" in text
    assert "smallest 200 x 200, median 640 x 480, largest 2048 x 1536" in text
    assert "| epochs | 50 |" in text
    assert "3 min 50 s on a GPU" in text
    assert "| 1024 pixels | 4.0e-04 |" in text
    assert "| started from | castings@2 |" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "Fewer than 30 boxes were drawn of 划痕 (12)"),
        ({}, "between 6 and 140 pixels"),
        ({}, "Only greyscale photos"),
        ({"colour": "colour"}, "Only colour photos"),
        ({}, "200 x 200 to 2048 x 1536"),
        ({"image_sizes": ((64, 32),) * 3}, "Only photos of 64 x 32"),
        ({}, "same source"),
        ({"channels": 6}, "needs a golden template"),
        ({"golden": TOGETHER}, "it was 1.0000 (castings@2): -49.5 points"),
        ({"golden": TOGETHER}, "Its 4 images were too few"),
        ({"golden": APART}, "1.0000 (castings@2): -49.5 points"),
        ({"golden": APART}, "3 of its images chose"),
        ({"golden": APART}, "other 2 only judge it: 0.5050, before 1.0000, -49.5"),
        ({"data": [Source("x", 9, {"dent": 40, "划痕": 40}, 0, 1)]}, "false alarms"),
    ],
)
def test_limits_follow_from_the_facts(change: dict[str, object], said: str) -> None:
    _, _, told = card(replace(FACTS, **change)).partition("## Limits")
    assert said in told


@pytest.mark.parametrize(
    ("change", "unsaid"),
    [
        ({"data": [Source("x", 9, {"dent": 40, "划痕": 30}, 3, 1)]}, "Fewer than"),
        ({"colour": "mixed"}, "another world"),
        ({}, "template"),
        ({}, "golden set"),
        ({}, "Every photo seen had a defect"),
    ],
)
def test_what_does_not_limit_is_not_said(
    change: dict[str, object], unsaid: str
) -> None:
    _, _, told = card(replace(FACTS, **change)).partition("## Limits")
    assert unsaid not in told


def test_what_nobody_knows_is_left_out() -> None:
    bare = replace(
        FACTS, figures=[], data=[], recipe={}, differences={}, seconds=0.0, colour=""
    )
    text = card(replace(bare, image_sizes=None, box_sides=None))
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == ["# castings 3", "## Limits"]


def test_no_name_is_markup_or_ends_its_cell() -> None:
    name = "a\\|b <img src=x> [c](d) `e`\nf\x1b"
    changed = replace(
        FACTS,
        classes=("dent", name),
        figures=[(name, measured(4, 4))],
        data=[Source(name, 9, {name: 2}, 1, 1)],
    )
    text = card(changed)
    safe = r"a\\\|b \<img src=x> \[c](d) \`e\` f\\x1b"
    assert f"Finds 2 kinds of defects: dent, {safe}." in text
    assert f"| {safe} | 9 |" in text
    assert f"### Class by class: {safe}" in text
    assert f"drawn of dent (0), {safe} (2): both" in text
    assert re.search(r"(?<!\\)[<\[`]", text.split("Measure it")[0]) is None
