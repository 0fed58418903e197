"""What the data asks for, and what people told stays as told."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

from dataclasses import replace
from pathlib import Path

import pytest

from inference_worker.engine.types import Detections
from inference_worker.training.datasets import Labelled
from inference_worker.training.recipe import (
    Beginning,
    Recipe,
    canvas_of,
    choose,
    defaults_for,
    held_share,
)
from inference_worker.training.settings import Settings

Box = tuple[float, float]


def sample(
    *boxes: Box, width: int = 640, height: int = 640, grey: bool = False, label: int = 0
) -> Labelled:
    """A photo with boxes of these widths and heights."""
    truth = Detections.truth([[0, 0, w, h] for w, h in boxes], [label] * len(boxes))
    path = Path("x.png")
    return Labelled(
        path, None, width, height, truth.boxes, truth.class_ids, grey, digest=""
    )


def recipe(
    *samples: Labelled,
    views: int = 1000,
    beginning: Beginning = Beginning.CHANCE,
    **told: object,
) -> Recipe:
    settings = Settings(out=Path(), **told)  # type: ignore[arg-type]
    return choose(samples, settings, views, beginning)


def test_usual_boxes_are_looked_at_as_they_are() -> None:
    assert recipe(sample((40, 30))).size == 640


def test_small_boxes_are_enlarged_until_they_can_be_seen() -> None:
    chosen = recipe(sample((20, 10)))
    assert chosen.size == 896
    assert any("one box in ten is narrower than 10" in why for why in chosen.reasons)
    assert recipe(sample((60, 3), width=320, height=320)).size == 640


def test_huge_boxes_are_made_smaller_but_never_below_320() -> None:
    assert recipe(sample((144, 160))).size == 320
    assert recipe(sample((100, 90))).size == 512
    assert recipe(sample((190, 180), width=200, height=200)).size == 320


def test_large_photos_are_looked_at_with_1024_pixels_at_most() -> None:
    assert recipe(sample((50, 40), width=4000, height=3000)).size == 1024


def test_boxes_that_get_too_small_to_see_are_spoken_of() -> None:
    reasons = " ".join(recipe(sample((20, 16), width=4000, height=3000)).reasons)
    assert "tiles" in reasons


def test_a_canvas_holds_every_photo_in_multiples_of_the_granule() -> None:
    wide, high = sample(width=640, height=300), sample(width=200, height=400)
    assert canvas_of([wide], 640) == (320, 640)
    assert canvas_of([wide, high], 640) == (640, 640)


@pytest.mark.parametrize(
    ("first", "second", "turns"),
    [((60, 20), (20, 60), 2), ((60, 20), (50, 20), 4), ((40, 38), (38, 40), 4)],
)
def test_classes_that_differ_in_direction_forbid_quarter_turns(
    first: Box, second: Box, turns: int
) -> None:
    photos = [sample(*[first] * 30), sample(*[second] * 30, label=1)]
    assert recipe(*photos).strength.turns == turns


def test_few_boxes_tell_nothing_about_direction() -> None:
    photos = [sample(*[(60, 20)] * 30), sample(*[(20, 60)] * 5, label=1)]
    assert recipe(*photos).strength.turns == 4


def test_oblong_photos_are_turned_by_halves_only() -> None:
    assert recipe(sample((40, 40), width=640, height=400)).strength.turns == 2


def test_symmetries_that_people_forbid_are_left_out() -> None:
    told = recipe(sample((40, 40)), no_turn=True, no_mirror=True).strength
    assert (told.turns, told.mirror) == (1, False)


def test_grey_photos_are_kept_in_one_plane_and_never_tinted() -> None:
    grey = recipe(sample((40, 40), grey=True))
    assert grey.grey
    assert grey.strength.tint == 0
    mixed = recipe(sample((40, 40), grey=True), sample((40, 40)))
    assert not mixed.grey
    assert mixed.strength.tint > 0


def test_black_and_white_scans_stay_so_unless_they_are_resized() -> None:
    scan = replace(sample((40, 40), grey=True), two_levels=True)
    assert recipe(scan).strength.crisp
    assert any("black and white" in why for why in recipe(scan).reasons)
    assert not recipe(scan, size=512).strength.crisp
    assert not recipe(scan, sample((40, 40), grey=True)).strength.crisp


def test_boxes_that_cover_their_photo_are_moved_less() -> None:
    usual, covering = recipe(sample((40, 40))), recipe(sample((500, 500)))
    assert covering.strength.mosaic < usual.strength.mosaic
    assert covering.strength.shift < usual.strength.shift


def test_what_is_given_stays_as_given() -> None:
    told = recipe(sample((5, 5)), size=256, epochs=7, batch=3, learning_rate=0.5)
    assert (told.size, told.canvas) == (256, (256, 256))
    assert (told.epochs, told.batch, told.learning_rate) == (7, 3, 0.5)
    assert not any("epochs of" in why for why in told.reasons)


def test_many_views_need_fewer_epochs_within_bounds() -> None:
    few, some, many = (
        recipe(sample((40, 40)), views=views).epochs for views in (20, 1600, 10**6)
    )
    assert few == 300
    assert 90 <= some <= 110
    assert many == 20


def test_a_model_that_goes_on_learns_in_fewer_views_and_smaller_steps() -> None:
    anew = recipe(sample((40, 40)))
    more = recipe(sample((40, 40)), beginning=Beginning.MORE)
    lent = recipe(sample((40, 40)), beginning=Beginning.LENT)
    assert more.epochs < lent.epochs == anew.epochs
    assert more.learning_rate == lent.learning_rate < anew.learning_rate


def test_batches_suit_the_number_of_views_and_the_canvas() -> None:
    assert recipe(sample((40, 40)), views=100).batch == 4
    assert recipe(sample((40, 40)), views=100_000).batch == 64
    assert recipe(sample((40, 40), width=1024, height=1024), views=100_000).batch == 32


def test_without_photos_boards_are_square_and_in_colour() -> None:
    chosen = defaults_for(Settings(out=Path()), 5000, 640, Beginning.CHANCE)
    assert (chosen.canvas, chosen.grey) == ((640, 640), False)


def test_about_a_hundred_images_are_held_back() -> None:
    shares = [held_share(count) for count in (10, 1000, 10**5)]
    assert shares == pytest.approx([0.2, 0.1, 0.05])


def test_photos_without_any_box_still_have_a_size() -> None:
    chosen = recipe(sample())
    assert chosen.size == 640
    assert max(chosen.canvas) == 640
