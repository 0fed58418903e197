"""The golden set: one half chooses how far a model goes, the other judges it."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from inference_worker.engine.metrics import Metrics, evaluate_detections
from inference_worker.engine.types import Detections
from inference_worker.training import run
from inference_worker.training.datasets import Labelled, Listing
from inference_worker.training.datasets.grouping import groups_of
from inference_worker.training.errors import GoldenDropped
from inference_worker.training.guard import FEWEST, Guarded, Halves, halved
from inference_worker.training.network import QualityNet
from inference_worker.training.pictures import Pictures
from inference_worker.training.settings import Settings
from inference_worker.training.store import Stored
from tests.training import easy
from traceability.demo.boards import CLASSES


def listing(names: Sequence[str], classes: int = 2, copies: int = 0) -> Listing:
    """The classes take turns; the first `copies` files are one and the same."""
    samples = [sample(name, i % classes, i < copies) for i, name in enumerate(names)]
    return Listing(tuple("abc"[:classes]), tuple(samples))


def sample(name: str, label: int, copy: bool) -> Labelled:
    box, labels = np.array([[1, 1, 9, 9]], np.float32), np.array([label])
    digest = "copy" if copy else ""
    return Labelled(Path(f"{name}.png"), None, 9, 9, box, labels, False, digest)


def numbered(count: int) -> list[str]:
    return [f"{i:04}" for i in range(count)]


def test_each_image_chooses_or_judges() -> None:
    halves = halved(listing(numbered(100)))
    assert halves.apart
    assert sorted([*halves.choosing, *halves.judging]) == list(range(100))
    assert 48 <= len(halves.judging) <= 52
    assert halves == halved(listing(numbered(100)))


def test_both_halves_show_each_class_alike() -> None:
    golden = listing(numbered(90), classes=3)
    halves = halved(golden)
    for half in (halves.choosing, halves.judging):
        labels = [int(golden.samples[i].class_ids[0]) for i in half]
        assert all(13 <= labels.count(label) <= 17 for label in range(3))


def test_pictures_of_one_thing_stay_together() -> None:
    golden = listing([f"part{i}_aug{n}" for i in range(30) for n in range(3)])
    halves = halved(golden)
    assert halves.apart
    groups = [set(group) for group in groups_of(golden.samples)]
    assert len(groups) == 30
    judging = set(halves.judging)
    assert all(group <= judging or not group & judging for group in groups)


@pytest.mark.parametrize(
    ("count", "copies"),
    [(2 * FEWEST - 1, 0), (80, 80), (90, 75)],
    ids=["few", "all alike", "most alike"],
)
def test_too_few_or_too_much_alike_choose_and_judge_all_of_them(
    count: int, copies: int
) -> None:
    halves = halved(listing(numbered(count), copies=copies))
    assert not halves.apart
    assert list(halves.choosing) == list(halves.judging) == list(range(count))


def measured(map50: float) -> Metrics:
    """One box in a thousand is as much as a thousandth, about."""
    truth = [Detections.truth([[0, 0, 9, 9]], [0])] * 1000
    found = round(1000 * map50)
    seen = [*truth[:found], *[Detections.empty()] * (1000 - found)]
    return evaluate_detections(truth, seen, ("dent",))


def guarded(whole: float, judged: float) -> Guarded:
    before = measured(0.95)
    halves = Halves((0, 2), (1, 3))
    return Guarded((before, measured(whole)), (before, measured(judged)), halves)


def test_half_a_point_may_be_lost() -> None:
    guarded(0.946, 0.946).check()
    guarded(0.99, 0.99).check()


@pytest.mark.parametrize(
    ("whole", "judged", "said"),
    [(0.946, 0.94, "the half of the golden set that"), (0.94, 0.946, "the golden set")],
)
def test_neither_all_images_nor_those_that_judge_may_lose_more(
    whole: float, judged: float, said: str
) -> None:
    with pytest.raises(GoldenDropped, match=f"^{said} .*nothing is released"):
        guarded(whole, judged).check()


@pytest.mark.filterwarnings("ignore:`isinstance:FutureWarning")  # of the exporter
def test_what_judges_does_not_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real training; what is scored on its way is listened to."""
    shades = dict.fromkeys(CLASSES, (230, 30, 30))
    new = easy.folder(tmp_path / "new", 12, CLASSES, shades=shades)
    old = easy.folder(tmp_path / "golden", 44, CLASSES, seed=1, shades=shades)
    scored: list[Pictures] = []
    score = run.score

    def heard(network: QualityNet, stored: Stored, pictures: Pictures) -> Metrics:
        assert len(stored) == len(pictures)
        scored.append(pictures)
        return score(network, stored, pictures)

    monkeypatch.setattr(run, "score", heard)
    settings = Settings(
        out=tmp_path / "out",
        data=new,
        golden=old,
        start="pcb-defects",
        size=64,
        epochs=1,
        device="cpu",
        accept_drop=True,
    )
    material = run.gather(settings, run.find_start(settings))
    assert material.golden is not None
    assert material.halves is not None
    chosen = [material.golden.truth[i].boxes.tolist() for i in material.halves.choosing]
    run.train_and_release(settings)
    seen = [[one.boxes.tolist() for one in pictures.truth] for pictures in scored]
    assert chosen in seen
    assert {len(one) for one in seen} == {len(chosen), len(material.held)}
    assert len(chosen) != len(material.held)
