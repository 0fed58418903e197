"""A cause comes before its consequences, and a reason before the machine it is on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle
from benchmarks.attribution.simulator import Settings, simulate

CLEAR = Settings(
    units=4000, parameters=24, lift=7.0, base=(0.02, 0.03), overdispersion=0.1
)


def ranked(seed: int, kind: str, decoy: str) -> tuple[list[dict], object]:
    drawn = simulate(seed, kind, replace(CLEAR, decoys=(decoy,)))
    problem = analyse(Bundle.of(drawn.frames, drawn.columns)).to_json()["problems"][0]
    told = [*problem["causes"], *problem["chronic"]]
    return sorted(told, key=lambda cause: -cause["confidence"]), drawn.truth


@pytest.mark.parametrize("seed", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["equipment", "parameter_step"])
def test_a_reading_downstream_comes_after_its_cause(seed, kind):
    told, truth = ranked(seed, kind, "mediator")
    assert [decoy.type for decoy in truth.decoys] == ["mediator"]
    assert truth.planted[0].matches(told[0])


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_reading_that_moved_says_why_the_machine_went_bad(seed):
    told, truth = ranked(seed, "parameter_ramp", "maintenance")
    assert told[0]["kind"] == "parameter"
    assert truth.planted[0].matches(told[0])
