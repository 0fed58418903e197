"""The peers of the benchmark are judged by the same rules as the product."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.attribution.peers.answers import Answer, ranks_of
from benchmarks.attribution.peers.commonality import answers, findings, worst_levels
from benchmarks.attribution.peers.series import BINS, series_of
from benchmarks.attribution.peers.table import Factor, Table, table_of
from benchmarks.attribution.simulator import Settings, Simulated, simulate

LIFT = Settings(units=4000, parameters=10, lift=9.0, overdispersion=0.1, decoys=())


def drawn(kind: str) -> tuple[Simulated, Table]:
    simulated = simulate(3, kind, LIFT, "development")
    return simulated, table_of(simulated.frames, simulated.columns)


@pytest.mark.parametrize("kind", ["lot", "operator", "age"])
def test_commonality_puts_a_strong_cause_first(kind: str) -> None:
    simulated, table = drawn(kind)
    assert ranks_of(simulated.truth, answers(findings(table))) == [1]


def test_the_table_has_every_factor_and_the_true_defects() -> None:
    simulated, table = drawn("lot")
    kinds = {factor.kind for factor in table.factors}
    assert {"lot", "equipment", "operator", "shift", "parameter", "age"} <= kinds
    assert sum(factor.kind == "parameter" for factor in table.factors) == 10
    assert (table.defective == simulated.truth.defective).all()


def test_ages_count_hours_since_the_event_of_the_unit_s_own_machine() -> None:
    simulated, table = drawn("age")
    plant = simulated.truth.planted[0]
    age = table.values[Factor("age", plant.operation, plant.operation, "maintenance")]
    assert np.nanmin(age) >= 0
    assert plant.threshold is not None
    assert (age[plant.exposed] > plant.threshold - 0.01).all()


def test_tied_answers_have_the_worst_of_their_ranks() -> None:
    simulated, table = drawn("lot")
    level = [replace(answer, score=1.0) for answer in answers(findings(table))]
    assert ranks_of(simulated.truth, level)[0] == len(
        {repr(a.claims) for a in level}
    ) - (_twice_told(level))


def _twice_told(told: list[Answer]) -> int:
    """Crews and shifts at several operations are one answer."""
    people = [a.claims[0] for a in told if a.claims[0]["kind"] in ("operator", "shift")]
    return len(people) - len({(claim["kind"], claim["level"]) for claim in people})


def test_a_pair_is_named_when_both_of_its_parts_are() -> None:
    simulated, _ = drawn("interaction")
    plant = simulated.truth.planted[0]
    parts = [
        Factor(kind, plant.operation, factor).claim(level)
        for kind, factor, level in zip(
            ("lot", "equipment"), plant.factor, plant.level, strict=True
        )
    ]
    other = Factor("tool", "OP10", "OP10").claim("T1")
    told = [Answer(3.0, (parts[0],)), Answer(2.0, (other,)), Answer(1.0, (parts[1],))]
    assert ranks_of(simulated.truth, told) == [2]
    assert ranks_of(simulated.truth, told[:2]) == [None]


def test_of_an_operator_the_factor_alone_counts() -> None:
    _, table = drawn("operator")
    worst = worst_levels(table)
    crews = next(factor for factor in worst if factor.kind == "operator")
    assert len(worst[crews]) == np.unique(table.values[crews]).size


def test_series_keep_bins_on_both_sides_of_the_onset() -> None:
    _, table = drawn("lot")
    series = series_of(table, float(table.at.min()))
    assert 0 < series.onset < BINS
    assert len(series.frame) == BINS
    assert not series.frame.isna().to_numpy().any()
