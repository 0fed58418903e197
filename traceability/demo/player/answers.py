"""What the site found, as the API tells it, held against what was planted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traceability.demo.factory import LINES, PLANTED_LINE
from traceability.demo.plan import FactoryPlan
from traceability.demo.player.client import ApiError, Client
from traceability.demo.truth import (
    Decoy,
    Plant,
    Truth,
    decoy_above,
    found_first,
    leading_causes,
)

OPEN_STATES = ("pending", "running")
POLL_SECONDS = 0.5
Problems = list[dict[str, Any]]


@dataclass(frozen=True)
class Finding:
    """A plant, and where the answer puts it; rank 0 when it is not among the causes."""

    plant: Plant
    first: bool
    rank: int
    confidence: float

    def to_json(self) -> dict[str, Any]:
        return {
            "planted": str(self.plant),
            "kind": self.plant.kind,
            "defect_class": self.plant.defect_class,
            "first": self.first,
            "rank": self.rank,
            "confidence": self.confidence,
        }


@dataclass(frozen=True)
class Detection:
    """Drawn against found, as units of one class each: what the detector is worth."""

    drawn: int
    found: int
    false_alarms: int


def known_photos(client: Client) -> set[str]:
    """What an interrupted run has uploaded already, by the cameras' own names."""
    return {
        look["external_id"]
        for look in client.pages("/api/v1/inspections/", page_size=1000)
    }


def analyse(client: Client) -> int:
    """Have every line analysed now, wait for it, and return how many there were.

    :raises ApiError: when an analysis fails.
    """
    jobs = [client.post(f"/api/v1/lines/{line.code}/analyse/") for line in LINES]
    for job in jobs:
        while job["state"] in OPEN_STATES:
            time.sleep(POLL_SECONDS)
            job = client.get(f"/api/v1/jobs/{job['id']}/")
        if job["state"] != "succeeded":
            raise ApiError(f"The analysis {job['state']}: {job['message']}")
    return len(jobs)


def read_problems(client: Client) -> Problems:
    """The problems of the newest analyses, shaped as an analysis prints them."""
    found = client.pages("/api/v1/problems/", latest="true", page_size=1000)
    return [_as_printed(problem) for problem in found]


def _as_printed(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The API lists the causes of the rise and the chronic ones together."""
    causes = problem["causes"]
    return dict(problem) | {
        "causes": [cause for cause in causes if not cause["chronic"]],
        "chronic": [cause for cause in causes if cause["chronic"]],
    }


def findings(problems: Problems, truth: Truth) -> list[Finding]:
    """For each plant the best of the problems of its class on its line."""
    return [_finding(problems, plant) for plant in truth.plants]


def _finding(problems: Problems, plant: Plant) -> Finding:
    own = [
        Finding(plant, found_first(problem, plant), cause["rank"], cause["confidence"])
        for problem in _of_plant(problems, plant)
        for cause in leading_causes(problem)
        if plant.matches(cause)
    ]
    missed = Finding(plant, False, 0, 0.0)
    return max(own, key=lambda found: (found.first, found.confidence), default=missed)


def highest_elsewhere(problems: Problems, truth: Truth) -> dict[str, float]:
    """The highest confidence where nothing was planted.

    `healthy_line_highest`: on the other lines. `other_classes_highest`: of the other
    classes of the planted line.
    """
    planted = {plant.defect_class for plant in truth.plants}
    healthy, other = [0.0], [0.0]
    for problem in problems:
        confidences = [cause["confidence"] for cause in leading_causes(problem)]
        if problem["line"] != PLANTED_LINE:
            healthy += confidences
        elif problem["defect_class"] not in planted:
            other += confidences
    return {"healthy_line_highest": max(healthy), "other_classes_highest": max(other)}


def report(problems: Problems, truth: Truth) -> dict[str, Any]:
    """What was found of what was planted, and what was said beyond that."""
    return {
        "plants": [found.to_json() for found in findings(problems, truth)],
        "decoys_above": len(decoys_above(problems, truth)),
        **highest_elsewhere(problems, truth),
    }


def decoys_above(problems: Problems, truth: Truth) -> list[Decoy]:
    """The decoys that rank above the plant whose company they keep."""
    return [
        decoy
        for decoy in truth.decoys
        if any(decoy_above(p, decoy) for p in _of_plant(problems, decoy.plant))
    ]


def _of_plant(problems: Problems, plant: Plant) -> Problems:
    return [
        problem
        for problem in problems
        if problem["line"] == plant.line
        and problem["defect_class"] == plant.defect_class
    ]


def read_inspections(client: Client) -> dict[str, set[str]]:
    """What was found on every unit that was looked at: classes by serial."""
    done = client.pages("/api/v1/inspections/", state="done", page_size=1000)
    return {
        look["serial"]: {defect["category"] for defect in look["defects"]}
        for look in done
    }


def detection(plan: FactoryPlan, seen: Mapping[str, set[str]]) -> Detection:
    """How well the photos were read."""
    rows = plan.frames["defects"][["unit", "defect_class"]].itertuples(index=False)
    drawn = {(row.unit, row.defect_class) for row in rows}
    found = {(serial, name) for serial, names in seen.items() for name in names}
    return Detection(len(drawn), len(drawn & found), len(found - drawn))
