"""What is lost, what of it is too much, and what the card says of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from inference_worker.commands.quantise import check_loss
from inference_worker.engine.coco import Sample
from inference_worker.engine.metrics import ClassMetrics, Metrics
from inference_worker.engine.store import open_folder
from inference_worker.engine.types import Detections
from inference_worker.naming import Name
from inference_worker.publishing import place_for
from inference_worker.quantise.calibration import halved
from inference_worker.quantise.errors import PrecisionLost, QuantisationError
from inference_worker.quantise.trial import Trial, Trials
from inference_worker.quantise.version import Calibration, write_quantised
from inference_worker.training.markdown import table
from tests.engine.toy import toy_manifest, toy_network, write_toy


def reached(f: float, *aps: float | None) -> Metrics:
    """Of the classes a, b ...; None for one that was never drawn."""
    drawn = [ap for ap in aps if ap is not None]
    classes = {
        "abc"[i]: ClassMetrics(ap, ap, ap, f, f, f, 9) for i, ap in enumerate(aps)
    }
    mean = sum(drawn) / len(drawn)
    return Metrics(mean, mean, mean, f, 0.5, 20, classes)


def trial(method: str, **figures: Metrics) -> Trial:
    return Trial(method, b"int8", figures)


def trials(*tried: Trial) -> Trials:
    base = {name: reached(0.9, 0.9, 0.8, None) for name in ("one", "two")}
    return Trials(base, tried)


SAME = reached(0.9, 0.9, 0.8, None)
FEWER = reached(0.88, 0.9, 0.8, None)  # F alone
WORSE = reached(0.9, 0.9, 0.72, None)  # one class alone


def test_losses_are_those_of_the_worse_backend() -> None:
    lost = trial("m", one=WORSE, two=FEWER)
    every = trials(lost)
    assert every.drop(lost) == pytest.approx(0.04)
    assert every.f_drop(lost) == pytest.approx(0.02)
    label, drop = every.worst_class(lost)
    assert (label, round(drop, 6)) == ("b", 0.08)


def test_the_best_method_is_strained_least_by_either_figure() -> None:
    near = reached(0.898, 0.898, 0.8, None)
    tried = [
        trial("f", one=SAME, two=FEWER),
        trial("near", one=near, two=near),
        trial("map", one=WORSE, two=SAME),
    ]
    assert trials(*tried).best.method == "near"


def test_who_chooses_does_not_judge() -> None:
    """The best where it is chosen may lose more than another where it is judged."""
    choosing = trials(trial("a", one=FEWER, two=SAME), trial("b", one=SAME, two=SAME))
    judging = trials(trial("a", one=SAME, two=SAME), trial("b", one=WORSE, two=SAME))
    assert judging.best.method == "a"
    parted = replace(judging, choosing=choosing)
    assert parted.best is judging.tried[1]
    with pytest.raises(PrecisionLost, match=r"loses 4\.00 points .* best method, b;"):
        check_loss(parted, accept_drop=False)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (FEWER, "loses 0.00 points of mAP@0.5 and 2.00 of F"),
        (WORSE, "loses 4.00 points of mAP@0.5 and 0.00 of F"),
    ],
)
def test_a_loss_of_either_is_refused(found: Metrics, told: str) -> None:
    lost = trials(trial("m", one=SAME, two=found))
    with pytest.raises(PrecisionLost, match=told):
        check_loss(lost, accept_drop=False)
    check_loss(lost, accept_drop=True)


def test_next_to_nothing_may_be_lost() -> None:
    near = reached(0.895, 0.898, 0.796, None)
    check_loss(trials(trial("m", one=near, two=SAME)), accept_drop=False)


def test_a_model_that_is_blind_is_refused_whatever_is_accepted() -> None:
    blind = {"one": reached(0.0, 0.05, 0.05, None)}
    same = Trials(blind, [Trial("m", b"", blind)])
    with pytest.raises(QuantisationError, match="in float the model reaches"):
        check_loss(same, accept_drop=True)


def written(tmp_path: Path, text: str, measured: int) -> str:
    """The card of a version made from one with this card."""
    folder = write_toy(tmp_path / "old")
    (folder / "card.md").write_text(text)
    files = {"model.onnx": toy_network(), "card.md": text.encode()}
    (folder / "manifest.json").write_text(
        json.dumps(toy_manifest(files, precision="f32"))
    )
    sample = Sample(Path("x.png"), Path("t.png"), Detections.truth([], []))
    drawn = Sample(Path("y.png"), Path("t.png"), Detections.truth([[0, 0, 5, 5]], [0]))
    held = [sample, drawn] * (measured // 2)
    halves = halved(held, seed=0)
    calibration = Calibration("there", [sample], held, halves, ["few images"])
    every = trials(trial("minmax", one=FEWER, two=WORSE))
    with place_for(tmp_path / "toy" / "5") as place:
        made = write_quantised(
            open_folder(folder), every, calibration, place, Name("5", 7)
        )
    manifest = open_folder(made).manifest
    assert (manifest.version, manifest.release_seq) == ("5", 7)
    assert manifest.raw["metrics"]["int8_one_f_e4"] == 8800
    return (made / "card.md").read_text()


def rows(text: str) -> Sequence[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_the_card_has_both_figures_and_the_class_that_loses_most(
    tmp_path: Path,
) -> None:
    text = written(tmp_path, "# toy 1\n\nSaid before.\n", 200)
    assert (
        "on 1 images of there. Of 200 other images 100 chose the method, and 100"
        " that had no part in that gave the figures."
    ) in text
    assert "Said before." in text
    assert (
        "| minmax | 0.8500, F 0.8800 | 0.8100, F 0.9000 | -4.00 | -2.00"
        " | b: -8.00 of AP@0.5 |"
    ) in rows(text)
    assert "- Few images." in text
    assert "rough" not in text


def test_the_card_says_that_few_images_measure_roughly(tmp_path: Path) -> None:
    text = written(tmp_path, "# toy 1\n", 98)
    assert "Only 98 images to measure on: the figures are rough." in text
    assert "The same 98 other images chose the method and gave the figures" in text
    assert "200 can be parted" in text


def test_an_imported_models_card_says_what_it_is_computed_in_now(
    tmp_path: Path,
) -> None:
    used = [
        ("canvas", "640"),
        ("computed in", "f32, unless told otherwise"),
        ("a", "b"),
    ]
    text = written(tmp_path, f"# toy 1\n\n{table(('', 'value'), used)}\n", 99)
    (row,) = (one for one in rows(text) if "computed in" in one)
    assert row == "| computed in | int8 on OpenVINO, else f32, unless told otherwise |"
    assert "| canvas | 640 |" in text
    assert "| a | b |" in text
