"""What a killed training leaves behind, and when it is gone on with."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference_worker.engine.types import Detections
from inference_worker.training.checkpoint import Checkpoint, State, mark_of
from inference_worker.training.network import QualityNet
from inference_worker.training.pictures import Pictures
from inference_worker.training.recipe import Beginning, Recipe, defaults_for
from inference_worker.training.settings import Settings
from inference_worker.training.stepping import optimiser_for

SETTINGS = Settings(out=Path("here"), size=64, epochs=3)
RECIPE: Recipe = defaults_for(SETTINGS, 10, 64, Beginning.CHANCE)


def state() -> State:
    network = QualityNet(2)
    return State.fresh(network, optimiser_for(network, RECIPE), 100)


def stepped(one: State) -> State:
    """After one step of training, so that the optimiser remembers something."""
    one.network.train()
    logits, boxes, _ = one.network.raw(torch.rand(2, 3, 64, 64))
    (logits.mean() + boxes.mean()).backward()
    one.optimiser.step()
    one.average.move(one.network, torch.tensor(one.average.share()))
    one.epoch, one.steps, one.seconds, one.best_fitness = 4, 17, 2.5, 0.25
    one.history.append({"epoch": 4, "loss": 1.5})
    one.best = {name: value + 1 for name, value in one.network.state_dict().items()}
    return one


def tensors(one: State) -> dict[str, torch.Tensor]:
    moments = one.optimiser.state_dict()["state"]
    return {
        **{f"network {name}": v for name, v in one.network.state_dict().items()},
        **{f"average {n}": v for n, v in one.average.network.state_dict().items()},
        **{f"best {name}": v for name, v in (one.best or {}).items()},
        **{f"{i} {name}": v for i, m in moments.items() for name, v in m.items()},
    }


def test_a_state_comes_back_whole_with_its_chance(tmp_path: Path) -> None:
    saved = stepped(state())
    Checkpoint(tmp_path / "out" / "c.pt", "m").save(saved)
    next_numbers = torch.rand(5)
    torch.manual_seed(99)
    back = state()
    Checkpoint(tmp_path / "out" / "c.pt", "m").restore(back)
    assert torch.equal(torch.rand(5), next_numbers)
    old, new = tensors(saved), tensors(back)
    assert old.keys() == new.keys()
    assert all(torch.equal(old[name], new[name]) for name in old)
    assert (back.epoch, back.steps, back.seconds) == (4, 17, 2.5)
    assert (back.best_fitness, back.history) == (0.25, saved.history)
    assert back.average.steps == saved.average.steps == 1


def test_a_first_start_has_nothing_to_restore(tmp_path: Path) -> None:
    one = state()
    Checkpoint(tmp_path / "c.pt", "m").restore(one)
    Checkpoint(None).restore(one)
    assert one.epoch == 0


def test_a_checkpoint_of_another_training_is_not_gone_on_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Checkpoint(tmp_path / "c.pt", "one").save(stepped(state()))
    other = state()
    before = {name: value.clone() for name, value in tensors(other).items()}
    Checkpoint(tmp_path / "c.pt", "another").restore(other)
    assert other.epoch == 0
    after = tensors(other)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert "of another training" in caplog.text


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "foreign", "flipped"])
def test_a_damaged_checkpoint_is_not_gone_on_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path = tmp_path / "c.pt"
    Checkpoint(path, "m").save(stepped(state()))
    data = path.read_bytes()
    middle = len(data) // 2
    if damage == "foreign":
        torch.save([1, 2], path)
    else:
        path.write_bytes(
            {
                "cut": data[:middle],
                "empty": b"",
                "text": b"not a checkpoint",
                "flipped": b"\0" * 512 + data[512:],
            }[damage]
        )
    one = state()
    Checkpoint(path, "m").restore(one)
    assert one.epoch == 0
    assert "cannot be read" in caplog.text


def test_a_kill_while_writing_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    Checkpoint(path, "m").save(stepped(state()))
    (tmp_path / "c.tmp").write_bytes(path.read_bytes()[:1000])
    one = state()
    Checkpoint(path, "m").restore(one)
    assert one.epoch == 4
    Checkpoint(path, "m").remove()
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_are_written_as_often_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    Checkpoint(path, "m", every=3600.0).save_now_and_then(state())
    assert not path.exists()
    Checkpoint(path, "m", every=0.0).save_now_and_then(state())
    assert path.exists()


def pictures(shade: int = 9, right: int = 20, label: int = 0) -> Pictures:
    images = np.full((2, 3, 32, 32), shade, np.uint8)
    truth = [Detections.truth([[4, 4, right, 20]], [label])] * 2
    return Pictures(images, None, truth, ("dent", "spot"), frozenset({"dent"}))


def mark(settings: Settings = SETTINGS, shown: Pictures | None = None) -> str:
    return mark_of(settings, RECIPE, [shown or pictures()], "nothing cpu")


@pytest.mark.parametrize(
    "change",
    [
        {"out": Path("there")},
        {"device": "cpu"},
        {"minutes": 3.0},
        {"accept_drop": True},
        {"fresh": True},
        {"checkpoint_seconds": 1.0},
        {"test": Path("test")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_it_is_the_same_training_however_it_is_run_and_judged(
    change: dict[str, object],
) -> None:
    assert mark(replace(SETTINGS, **change)) == mark()


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"learning_rate": 0.1}, {"replay_share": 0.3}, {"template": True}],
    ids=lambda change: next(iter(change)),
)
def test_other_settings_are_another_training(change: dict[str, object]) -> None:
    assert mark(replace(SETTINGS, **change)) != mark()


@pytest.mark.parametrize("change", [{"shade": 10}, {"right": 21}, {"label": 1}])
def test_other_data_is_another_training(change: dict[str, int]) -> None:
    assert mark(shown=pictures(**change)) != mark()


def test_another_recipe_or_beginning_is_another_training() -> None:
    shown = [pictures()]
    other = replace(RECIPE, batch=RECIPE.batch + 1)
    assert mark_of(SETTINGS, other, shown, "nothing cpu") != mark()
    assert mark_of(SETTINGS, RECIPE, shown, "easy@1 cpu") != mark()
