"""A rung is tried in a process of its own, where there is one to be had."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from inference_worker.ladder import trial
from inference_worker.ladder.reasons import Fallen
from inference_worker.ladder.rungs import Rung
from inference_worker.ladder.workshop import Recipe, Workshop


def test_a_trial_that_cannot_begin_is_a_rung_that_does_not_hold(
    toy_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the thread that climbs would end with it."""

    def run(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(trial.subprocess, "run", run)
    workshop = Workshop(Recipe.of(toy_data, "toy", "f32", threads=1))
    with pytest.raises(Fallen, match="Cannot allocate memory") as fallen:
        trial.try_apart(Rung("cuda"), workshop)
    assert fallen.value.code == "trial_died"
