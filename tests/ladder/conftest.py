from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inference_worker.adoption import adopt
from inference_worker.engine.backends import registry
from inference_worker.ladder import raising as module
from inference_worker.ladder.hops import Situation
from inference_worker.ladder.ladder import Ladder
from inference_worker.ladder.record import Record
from inference_worker.ladder.rungs import PREVIOUS, Rung
from inference_worker.ladder.workshop import Recipe, Workshop
from tests.engine.toy import write_toy
from tests.ladder import shaky

NAMES = ("cuda", "onnxruntime", "openvino")


@dataclass
class Plant:
    """A folder of orders for the shaky backends, a clock, and what ladders told."""

    orders: Path
    data: Path
    record: Path
    now: float = 1_800_000_000.0
    told: list[Situation] = field(default_factory=list)
    left: list[int] = field(default_factory=list)

    def break_(self, name: str, how: str) -> None:
        """In one step: an order that is half written would mend it."""
        draft = self.orders / f".{name}"
        draft.write_text(how)
        draft.replace(self.orders / name)

    def mend(self, name: str) -> None:
        (self.orders / name).unlink()

    def ladder(self, *names: str, required: bool = True) -> Ladder:
        """One that remembers what the ladders before it did, not started."""
        return Ladder(
            [_rung(name, required) for name in names or NAMES],
            Workshop(Recipe.of(self.data, "toy", "f32", threads=1)),
            Record(self.record, clock=lambda: self.now),
            tell=self.told.append,
            leave=self._leave,
        )

    def _leave(self, code: int) -> None:
        self.left.append(code)
        raise SystemExit(code)


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    sizes = {"layout": "NCHW", "channels": 3, "range": [0, 1], "sizes": [320, 640]}
    write_toy(folder / "released", input=sizes)
    adopt(folder / "released", folder / "data", shipped=True)
    return folder / "data"


def _rung(name: str, required: bool) -> Rung:
    backend = name.removesuffix(PREVIOUS)
    return Rung(backend, previous=backend != name, required=required)


def try_here(rung: Rung, workshop: Workshop) -> None:
    workshop.bring_up(rung).detector.close()


@pytest.fixture
def plant(toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Trials are made in this process: tests/faults makes them apart."""
    (tmp_path / "orders").mkdir()
    monkeypatch.setenv("SHAKY", str(tmp_path / "orders"))
    monkeypatch.setattr(registry, "BACKENDS", dict(registry.BACKENDS))
    shaky.register()
    monkeypatch.setattr(module, "try_apart", try_here)
    return Plant(tmp_path / "orders", toy_data, tmp_path / "run" / "ladder.json")
