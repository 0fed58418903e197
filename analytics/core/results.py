"""What an analysis says: the dataclasses behind the JSON contract, schema 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analytics.core.exhibit import Exhibit
from analytics.core.fingerprint import canonical_sha256
from analytics.core.rounding import plain, plain_time

SCHEMA = 1

Interval = tuple[float, float]
Json = dict[str, Any]


@dataclass(frozen=True)
class Coded:
    """A sentence as a code with parameters; words are made at the edge."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> Json:
        return {"code": self.code, "params": plain(dict(self.params))}


@dataclass(frozen=True)
class Options:
    """What to analyse and how.

    `classes` and `lines`: None means all. `confidence`: causes at or above it put
    their units on the containment list. `effects`: how many causes at once are
    looked for (L of the sum of single effects).
    """

    classes: tuple[str, ...] | None = None
    lines: tuple[str, ...] | None = None
    seed: int = 0
    confidence: float = 0.5
    effects: int = 5


@dataclass(frozen=True)
class Cause:
    """One ranked answer. Times are UTC timestamps; rates and confidence 0..1."""

    rank: int
    kind: str
    operation: str
    factor: str | list[str]
    level: str | list[str]
    statement: Coded
    confidence: float
    credible_set: int | None
    relative_risk: float
    relative_risk_interval: Interval
    exposed_units: int
    exposed_rate: float
    other_rate: float
    attributable_defects: float
    attributable_interval: Interval
    onset: pd.Timestamp | None
    onset_interval: tuple[pd.Timestamp, pd.Timestamp] | None
    evidence: Exhibit

    def to_json(self) -> Json:
        """The cause as the contract has it; the evidence is stored apart."""
        interval = self.onset_interval
        return {
            "rank": self.rank,
            "kind": self.kind,
            "operation": self.operation,
            "factor": self.factor,
            "level": self.level,
            "statement": self.statement.to_json(),
            "confidence": plain(self.confidence),
            "credible_set": self.credible_set,
            "relative_risk": plain(self.relative_risk),
            "relative_risk_interval": plain(list(self.relative_risk_interval)),
            "exposed_units": self.exposed_units,
            "exposed_rate": plain(self.exposed_rate),
            "other_rate": plain(self.other_rate),
            "attributable_defects": plain(self.attributable_defects),
            "attributable_interval": plain(list(self.attributable_interval)),
            "onset": plain_time(self.onset),
            "onset_interval": interval and [plain_time(at) for at in interval],
        }


@dataclass(frozen=True)
class CredibleSet:
    """The fewest causes that hold `coverage` of one effect; `members` are ranks.

    `separate_by` is the cheapest comparison that would tell the members apart.
    """

    id: int
    coverage: float
    members: tuple[int, ...]
    separate_by: Coded | None

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "coverage": plain(self.coverage),
            "members": list(self.members),
            "separate_by": self.separate_by and self.separate_by.to_json(),
        }


@dataclass(frozen=True)
class Problem:
    """One class of defect (one cluster of it) and what explains it.

    `hidden_confidence`: how sure it is that something not recorded is at work;
    not part of the JSON contract, where it shows as `unexplained_share`. `board`: the
    columns of `core.board`, where there is more than one cluster.
    """

    defect_class: str
    cluster: str
    defective_units: int
    inspected_units: int
    rate: float
    question: str
    onset: pd.Timestamp | None
    unexplained_share: float
    hidden_confidence: float
    not_recorded: tuple[Mapping[str, str], ...]
    causes: tuple[Cause, ...]
    chronic: tuple[Cause, ...]
    credible_sets: tuple[CredibleSet, ...]
    notes: tuple[Coded, ...]
    hypotheses: int
    daily: Mapping[str, list[Any]]
    held: pd.DataFrame
    board: Mapping[str, list[Any]] = field(default_factory=dict)

    def to_json(self) -> Json:
        return {
            "defect_class": self.defect_class,
            "cluster": self.cluster,
            "defective_units": self.defective_units,
            "rate": plain(self.rate),
            "question": self.question,
            "onset": plain_time(self.onset),
            "unexplained_share": plain(self.unexplained_share),
            "not_recorded": [dict(gap) for gap in self.not_recorded],
            "causes": [cause.to_json() for cause in self.causes],
            "credible_sets": [group.to_json() for group in self.credible_sets],
            "chronic": [cause.to_json() for cause in self.chronic],
            "notes": [note.to_json() for note in self.notes],
        }


@dataclass(frozen=True)
class Analysis:
    """The whole answer. `held` lists unit, risk, low, high, defect_class."""

    seed: int
    units: int
    hypotheses: int
    input_sha256: str
    problems: tuple[Problem, ...]
    notes: tuple[Coded, ...]
    held: pd.DataFrame

    def to_json(self) -> Json:
        """The contract's object; `result_sha256` covers all the rest of it."""
        said: Json = {
            "schema": SCHEMA,
            "seed": self.seed,
            "units": self.units,
            "hypotheses": self.hypotheses,
            "input_sha256": self.input_sha256,
            "problems": [problem.to_json() for problem in self.problems],
            "notes": [note.to_json() for note in self.notes],
        }
        return {**said, "result_sha256": canonical_sha256(said)}
