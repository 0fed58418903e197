"""The command from a folder to a version: it learns, survives a kill, and learns more.

Two trainings run at once in processes of their own: one to its end, one killed on
the way and started again. What is asked of a version is asked of what they wrote.
"""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

import hashlib
import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from inference_worker.engine.api import load_folder
from inference_worker.engine.coco import read_coco
from inference_worker.engine.decode import decode_file
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.notes import notes_of
from inference_worker.evaluation import find_all, measure
from inference_worker.training.export import SIZES
from tests.training import easy
from tests.training.exported import answer_of, network_of
from tests.training.processes import ended, started, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EPOCHS = 12
KILLED_AFTER = 4


@dataclass(frozen=True)
class Runs:
    """Folders of one training: as it went through, and as it was killed and resumed."""

    data: Path
    golden: Path
    through: Path
    resumed: Path
    said_again: str
    dropping: Future[Dropped]


@dataclass(frozen=True)
class Dropped:
    """A live model that was taught a third class so badly that it forgot the others."""

    status: int
    said: str
    released: bool
    allowed: Path
    said_allowed: str


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    root = tmp_path_factory.mktemp("runs")
    data = easy.folder(root / "easy", 80)
    golden = easy.folder(root / "golden", 48, seed=9)
    words = ["--coco", data, "--from", "nothing", "--size", 64, "--device", "cpu"]
    words += ["--epochs", EPOCHS, "--batch", 8, "--learning-rate", 6e-3]
    words += ["--checkpoint-seconds", 0]
    through, resumed = root / "through", root / "resumed"
    first, again, log = root / "1.log", root / "2.log", root / "0.log"
    whole = started(log, *words, "--out", through)
    killed = started(first, *words, "--out", resumed)
    wait_until(lambda: f"epoch {KILLED_AFTER} of" in first.read_text(), killed)
    killed.kill()
    killed.wait()
    assert (root / ".resumed.work" / "checkpoint.pt").is_file()
    assert not resumed.exists()
    second = started(again, *words, "--out", resumed)
    assert whole.wait() == 0, log.read_text()
    dropping = ThreadPoolExecutor(1).submit(teach_badly, root, through, data, golden)
    assert second.wait() == 0, again.read_text()
    return Runs(data, golden, through, resumed, again.read_text(), dropping)


def teach_badly(root: Path, live: Path, data: Path, golden: Path) -> Dropped:
    """Refused at first, then allowed by the same command with --accept-drop."""
    new = easy.folder(root / "new", 16, ("bright",), seed=3)
    out = root / "next"
    words = ["--from", live, "--coco", new, "--replay", data, "--golden", golden]
    words += ["--out", out, "--device", "cpu"]
    words += ["--epochs", 1, "--batch", 4, "--learning-rate", 0.3]
    status, said = ended(root / "refused.log", *words)
    released = (out / "manifest.json").exists()
    allowed, text = ended(root / "allowed.log", *words, "--accept-drop")
    assert allowed == 0, text
    return Dropped(status, said, released, out, text)


def figures_of(version: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads(
        (version / "figures.json").read_text()
    )
    return found


def history_of(version: Path) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = json.loads((version / "history.json").read_text())
    return [{key: row[key] for key in row if key != "seconds"} for row in rows]


def test_what_is_easy_is_learnt(runs: Runs) -> None:
    held = figures_of(runs.through)["held back"]
    assert held["map50"] > 0.5
    assert held["f"] > 0.5


def test_a_killed_training_goes_on_after_the_epoch_it_had(runs: Runs) -> None:
    going_on = [line for line in runs.said_again.splitlines() if "going on" in line]
    (line,) = going_on
    epoch = int(line.split("after epoch ")[1].split()[0])
    assert epoch in (KILLED_AFTER - 1, KILLED_AFTER, KILLED_AFTER + 1)
    told = [text for text in runs.said_again.splitlines() if text.startswith("epoch ")]
    assert told[0].startswith(f"epoch {epoch + 1} of {EPOCHS} ")


def test_a_killed_training_ends_exactly_like_one_that_was_not(runs: Runs) -> None:
    assert len(history_of(runs.through)) == EPOCHS
    assert history_of(runs.resumed) == history_of(runs.through)
    assert figures_of(runs.resumed) == figures_of(runs.through)
    models = [(run / "model.onnx").read_bytes() for run in (runs.through, runs.resumed)]
    assert models[0] == models[1]


def test_a_version_holds_what_its_manifest_pins(runs: Runs) -> None:
    data = (runs.through / "manifest.json").read_bytes()
    manifest = Manifest.parse(data)
    assert manifest.canonical() == data
    assert (manifest.model, manifest.version, manifest.release_seq) == ("easy", "1", 1)
    assert manifest.classes == ("red", "blue")
    assert (manifest.input.channels, manifest.input.sizes) == (3, (64,))
    assert manifest.raw["previous"] is None
    model = onnx.load(runs.through / "model.onnx")
    told = {one.key: one.value for one in model.metadata_props}
    assert told.items() >= notes_of(manifest.raw).items()
    assert set(manifest.files) == {"model.onnx", "card.md"}
    for name, pin in manifest.files.items():
        content = (runs.through / name).read_bytes()
        assert len(content) == pin.size
        assert hashlib.sha256(content).hexdigest() == pin.sha256
    held = figures_of(runs.through)["held back"]
    assert manifest.raw["metrics"]["map50_e4"] == round(held["map50"] * 10_000)


def test_nothing_but_the_version_and_its_report_is_left(runs: Runs) -> None:
    assert {path.name for path in runs.resumed.iterdir()} == {
        *("model.onnx", "card.md", "manifest.json"),
        *("figures.json", "history.json", "report.html"),
    }
    assert not (runs.resumed.parent / ".resumed.work").exists()


def test_the_card_tells_data_and_figures(runs: Runs) -> None:
    text = (runs.through / "card.md").read_text()
    held = figures_of(runs.through)["held back"]
    assert f"| mAP@0.5 | {held['map50']:.4f} |" in text
    assert "| the labelled folder easy | 80 |" in text
    assert f"| epochs | {EPOCHS} of {EPOCHS} |" in text
    assert all(f"| {size} pixels |" in text for size in SIZES)


@pytest.mark.parametrize("size", SIZES)
def test_the_exported_model_computes_what_the_network_does(
    runs: Runs, size: int
) -> None:
    paths = sorted((runs.data / "images").iterdir())[:2]
    photos = torch.from_numpy(np.stack([decode_file(path) for path in paths]))
    small = photos.permute(0, 3, 1, 2).float() / 255
    network = network_of(runs.through, small)
    images = torch.nn.functional.interpolate(small[:1], (size, size), mode="bilinear")
    with torch.inference_mode():
        expected = network(images).numpy()
    seen = expected[..., 4:].max(2) >= 0.01
    assert seen.any()
    for runtime in ("onnxruntime", "openvino"):
        apart = np.abs(answer_of(runtime, runs.through, images.numpy()) - expected)
        assert apart[..., 4:].max() < 1e-3, runtime
        assert apart[..., :4][seen].max() < 5e-3, runtime


@pytest.fixture(scope="module")
def dropped(runs: Runs) -> Dropped:
    return runs.dropping.result()


def test_a_model_that_forgets_is_not_released(dropped: Dropped) -> None:
    assert dropped.status == 1
    assert not dropped.released
    assert "by more than half a point; nothing is released" in dropped.said
    assert "--accept-drop" in dropped.said
    assert "Traceback" not in dropped.said


def test_a_drop_that_is_accepted_is_released_without_training_again(
    dropped: Dropped,
) -> None:
    assert "going on after epoch 1 of" in dropped.said_allowed
    assert (dropped.allowed / "manifest.json").is_file()


def test_the_next_version_names_the_one_it_came_from(
    runs: Runs, dropped: Dropped
) -> None:
    manifest = Manifest.parse((dropped.allowed / "manifest.json").read_bytes())
    live = Manifest.parse((runs.through / "manifest.json").read_bytes())
    assert manifest.classes == ("red", "blue", "bright")
    assert (manifest.model, manifest.version, manifest.release_seq) == ("easy", "2", 2)
    assert manifest.input.sizes == live.input.sizes
    pin = {"version": "1", "sha256": live.files["model.onnx"].sha256}
    assert manifest.raw["previous"] == pin


def test_the_card_sets_the_golden_figure_against_what_the_live_model_reaches(
    runs: Runs, dropped: Dropped
) -> None:
    live = load_folder(runs.through, precision="f32")
    dataset = read_coco(runs.golden, live.classes)
    reached = measure(live, dataset, list(find_all(live, dataset)))
    text = (dropped.allowed / "card.md").read_text()
    after = figures_of(dropped.allowed)["golden set"]["map50"]
    told = text.split("On the golden set mAP@0.5 is ")[1].split(" (easy@1)")[0]
    now, before = map(float, told.split(", before it was "))
    assert now == pytest.approx(after, abs=1e-4)
    assert before == pytest.approx(reached.map50, abs=0.01)
    assert before - now > 0.005


def test_one_half_of_the_golden_set_only_judges(runs: Runs, dropped: Dropped) -> None:
    figures = figures_of(dropped.allowed)
    halves = (
        figures["golden set, judging half"],
        figures["golden set, judging half, before"],
    )
    after, before = (one["map50"] for one in halves)
    assert figures["golden set"]["images"] == 48
    judging = {one["images"] for one in halves}
    assert len(judging) == 1
    (count,) = judging
    assert 20 <= count <= 28
    text = (dropped.allowed / "card.md").read_text()
    assert f"the other {count} only judge it: {after:.4f}, before {before:.4f}" in text
    line = f"the half of it that judges: mAP@0.5 {after:.4f}, was {before:.4f}"
    assert line in dropped.said_allowed
