"""What is hidden in the demo factory, and whether an answer found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Plant:
    """A planted cause, in the words of an answer (kind, operation, factor, level).

    `factors`: any of these names it. `level`: a lot's number; the sign of a
    parameter's threshold; the event an age counts from. `relative_risk` is the
    largest that any unit gets, `exposed_share` of the units of the line. `machine`:
    the one that drifts, for people to read; of an interaction, the one that does
    not suit the lot.
    """

    kind: str
    line: str
    defect_class: str
    operation: str
    factors: tuple[str, ...]
    level: str
    relative_risk: float
    exposed_share: float
    machine: str = ""

    def matches(self, cause: Json) -> bool:
        """Is this cause of an answer the one that was planted?"""
        if cause["kind"] != self.kind:
            return False
        if self.kind == "interaction":
            return self._matches_pair(cause)
        if cause["factor"] not in self.factors:
            return False
        level = str(cause["level"])
        if self.kind == "lot":
            return level == self.level
        if cause["operation"] != self.operation:
            return False
        if self.kind == "parameter":
            return level.startswith(self.level)
        return self.level in level and ">" in level

    def _matches_pair(self, cause: Json) -> bool:
        """The contract names the lot first and the machine second."""
        material, _ = cause["factor"]
        named = list(cause["level"])
        return material in self.factors and named == [self.level, self.machine]

    def __str__(self) -> str:
        place = self.machine or self.operation
        return f"{self.kind} {place} {self.factors[0]} {self.level}"


@dataclass(frozen=True)
class Decoy:
    """Names that merely keep company with a plant: a crew and its operators, or a
    machine.
    """

    plant: Plant
    levels: tuple[str, ...]

    def matches(self, cause: Json) -> bool:
        parts = _parts(cause["level"]) + _parts(cause["factor"])
        return any(part in self.levels for part in parts)


def _parts(named: str | list[str]) -> list[str]:
    return named if isinstance(named, list) else [named]


@dataclass(frozen=True)
class Truth:
    plants: tuple[Plant, ...]
    decoys: tuple[Decoy, ...]


def leading_causes(problem: Json) -> Sequence[Json]:
    """The causes of the rise; of a problem that did not rise, the chronic ones."""
    causes: Sequence[Json] = problem["causes"] or problem["chronic"]
    return sorted(causes, key=lambda cause: cause["rank"])


def found_first(problem: Json, plant: Plant) -> bool:
    """Does the first cause of the problem name what was planted?"""
    causes = leading_causes(problem)
    return bool(causes) and plant.matches(causes[0])


def decoy_above(problem: Json, decoy: Decoy) -> bool:
    """Does the decoy rank above the plant whose company it keeps?"""
    for cause in leading_causes(problem):
        if decoy.plant.matches(cause):
            return False
        if decoy.matches(cause):
            return True
    return False
