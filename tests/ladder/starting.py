"""A worker's ladder from its start on, for the tests of that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from inference_worker.batcher import Batcher
from inference_worker.ladder.climber import Climber
from inference_worker.ladder.ladder import Ladder
from inference_worker.ladder.reasons import Failure, Reason, Stage
from inference_worker.ladder.record import Record
from tests.ladder.conftest import Plant


@contextmanager
def started(ladder: Ladder) -> Iterator[Batcher]:
    """As the worker does it, with the machine's own clock."""
    ladder.record.clock = time.time
    ladder.start_soon()
    batcher = Batcher(ladder)
    climbing = Climber(ladder, batcher.thread.between)
    try:
        yield batcher
    finally:
        climbing.close()
        batcher.close()


def stands_on(ladder: Ladder) -> str:
    footing = ladder.situation.footing
    return footing.rung if footing else ""


def tries_of(ladder: Ladder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the climber brings up, in its order."""
    tried, bring_up = list[str](), ladder.bring_up
    monkeypatch.setattr(
        ladder, "bring_up", lambda rung: tried.append(rung.name) or bring_up(rung)
    )
    return tried


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [text for text in caplog.messages if text.startswith("ladder.")]


def failed_before(plant: Plant, name: str) -> Failure:
    told = Failure(name, Reason.OOM, Stage.TRAFFIC, "device_full", "full", plant.now)
    Record(plant.record, clock=time.time).failed(told)
    return told
