"""The recipe that suits all folders of one training, which share batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from inference_worker.engine.decode import decode_file
from inference_worker.training.datasets import Listing
from inference_worker.training.datasets.survey import has_two_levels
from inference_worker.training.folders import Folders
from inference_worker.training.recipe import CRISP, Recipe, canvas_of, choose
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start, beginning_of

_BESIDE = 0.5  # of the views, at most, are of boards drawn beside a folder
_TEMPLATES_SEEN = 32  # of one line they are alike


def tailored(folders: Folders, settings: Settings, start: Start | None) -> Recipe:
    """For all that is learnt from: its size, canvas, greyness and strength."""
    samples = folders.training.samples
    size = size_of(folders.training, settings, start)
    replay = settings.replay_share if folders.replay else 0.0
    share = shares(len(samples), [settings.drawn, settings.planted], replay)[0]
    views = round(len(samples) / share)
    sized = replace(settings, size=size)
    recipe = choose(samples, sized, views, beginning_of(start))
    grey = all(s.grey for listing in folders.every for s in listing.samples)
    if recipe.strength.crisp and not _all_black_and_white(folders):
        reasons = tuple(why for why in recipe.reasons if why != CRISP)
        grey_views = replace(recipe.strength, crisp=False)
        recipe = replace(recipe, strength=grey_views, reasons=reasons)
    return replace(
        recipe,
        canvas=_common_canvas(folders, settings, start, recipe),
        grey=grey and (recipe.strength.crisp or not settings.drawn),
    )


def _all_black_and_white(folders: Folders) -> bool:
    """What is learnt from, old data and templates too."""
    listings = [one for one in (folders.training, folders.replay) if one is not None]
    samples = [sample for listing in listings for sample in listing.samples]
    templates = sorted({s.template for s in samples if s.template is not None})
    return all(sample.two_levels for sample in samples) and all(
        has_two_levels(decode_file(path)) for path in templates[:_TEMPLATES_SEEN]
    )


def _common_canvas(
    folders: Folders, settings: Settings, start: Start | None, recipe: Recipe
) -> tuple[int, int]:
    """Large enough for every set that is trained on: they share batches."""
    shapes = [recipe.canvas]
    if folders.replay is not None:
        size = size_of(folders.replay, settings, start) or recipe.size
        shapes.append(canvas_of(folders.replay.samples, size))
    if settings.drawn or settings.planted:
        shapes.append((recipe.size, recipe.size))
    heights, widths = zip(*shapes, strict=True)
    return max(heights), max(widths)


def size_of(listing: Listing, settings: Settings, start: Start | None) -> int | None:
    """The long side at which a named model looks at such images; None for others."""
    if settings.size is not None:
        return settings.size
    if start is None or not start.named:
        return None
    by_size = sorted(listing.samples, key=lambda s: max(s.height, s.width))
    usual = by_size[len(by_size) // 2]
    return start.size_for(usual.height, usual.width)


def shares(main: int, beside: Sequence[int], replay: float) -> list[float]:
    """The share of views of the folder, of each drawn set, of the replay."""
    drawn_share = min(_BESIDE, sum(beside) / max(1, main + sum(beside)))
    rest = 1.0 - replay
    parts = [rest * drawn_share * count / max(1, sum(beside)) for count in beside]
    found = [rest * (1.0 - drawn_share), *parts]
    return [*found, replay] if replay else found
